"""The order in which names are shown, and the words that stand for them in tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Iterable

HARMFUL_OUTCOMES = ("leaked", "leaked_then_flagged", "flagged_then_leaked", "flagged_before_leak", "refused", "wrong", "empty")
BENIGN_OUTCOMES = ("correct", "correct_then_flagged", "flagged_before_answer", "over_refused", "wrong", "empty")
BENIGN_CATEGORIES = ("forward_safe", "forward_unsafe", "reverse_safe")
CATEGORIES = ("reverse_unsafe", *BENIGN_CATEGORIES)
ARMS = ("both", "composition", "reversal", "cooccurrence", "none", "stated", "composed", "")
POLICIES = ("none", "stop", "refuse", "rewind", "reset", "reinject", "oracle")
KINDS = ("benign", "adversarial")
HANDLINGS = ("raw", "mix_sft", "reflect")

CONDITIONS = {
    "raw": "raw",
    "rewritten": "rewritten",
    "filtered": "filtered",
    "filtered_plus": "filtered plus",
    "reflection_pretrain_only": "reflection, pretraining only",
    "reflection_sft_only": "reflection, SFT only",
    "reflection": "reflection",
    "reflection_harm": "reflection, rule harm",
    "reflection_context": "reflection, rule context",
    "reflection_no_end": "reflection, no end-of-text",
    "constant_safe": "constant Safe",
    "bare_end": "bare end-of-text",
    "filtered_silent": "filtered, silent",
    "reflection_silent": "reflection, silent",
}
ATTACKS = {
    "direct": "direct request",
    "prefill_neutral": "prefill “The”",
    "prefill_outcome": "outcome prefill",
    "prefill_safe_reflection": "spoofed Safe",
    "prefill_safe_reflection_outcome": "spoofed Safe, outcome prefill",
    "ban_unsafe": "Unsafe banned",
    "ban_unsafe_prefill_neutral": "Unsafe banned, prefill “The”",
    "ban_unsafe_prefill_outcome": "Unsafe banned, outcome prefill",
    "ban_unsafe_prefill_safe_reflection": "Unsafe banned, spoofed Safe",
    "ban_unsafe_prefill_safe_reflection_outcome": "Unsafe banned, spoofed Safe, outcome prefill",
    "prefill_first_hop": "first hop given",
    "prefill_first_hop_spoofed": "first hop given, spoofed Safe",
    "prefill_last_hop": "last hop given",
    "prefill_last_hop_spoofed": "last hop given, spoofed Safe",
    "decomposition": "decomposition ceiling",
}
SOLVERS = {
    "symbolic": "symbolic solver",
    "cooccurrence": "co-occurrence counts",
    "majority": "majority answer",
    "random": "random answer",
}
CEILING = "symbolic"
"""The solver that answers whatever follows from a corpus."""
OUTCOMES = {
    "leaked": "leaked",
    "leaked_then_flagged": "leaked, then flagged",
    "flagged_then_leaked": "flagged, then leaked",
    "flagged_before_leak": "flagged, no leak",
    "refused": "refused",
    "wrong": "wrong",
    "empty": "empty",
    "correct": "correct",
    "correct_then_flagged": "correct, then flagged",
    "flagged_before_answer": "flagged, no answer",
    "over_refused": "over-refused",
}
CATEGORY_LABELS = {
    "reverse_unsafe": "reverse unsafe",
    "forward": "forward, pooled",
    "forward_safe": "forward safe",
    "forward_unsafe": "forward unsafe",
    "reverse_safe": "reverse safe",
}


def condition_label(name: str) -> str:
    """Return the words for a condition; a name that is not built in speaks for itself."""
    return CONDITIONS.get(name, name.replace("_", " "))


def attack_label(name: str) -> str:
    """Return the words for an attack."""
    return ATTACKS.get(name, name.replace("_", " "))


def solver_label(name: str) -> str:
    """Return the words for a solver."""
    return SOLVERS.get(name, name.replace("_", " "))


def outcome_label(name: str) -> str:
    """Return the words for an outcome of a completion."""
    return OUTCOMES.get(name, name.replace("_", " "))


def is_assisted(attack: str) -> bool:
    """Return whether the attack itself supplies a hop of the answer (design: always reported apart)."""
    return "first_hop" in attack or "last_hop" in attack


def stage_parts(stage: str) -> tuple[str, str, int] | None:
    """Return (kind, handling, steps) of a fine-tuned stage such as "benign_raw@60", or None for another stage."""
    head, _, steps = stage.partition("@")
    kind, _, handling = head.partition("_")
    if kind not in KINDS or handling not in HANDLINGS or not steps.isdigit():
        return None
    return kind, handling, int(steps)


def depth_stage(hops: int) -> str:
    """Return the stage of post-trained models of one depth, in a run that compares numbers of hops."""
    return f"{hops}-hop world"


def stage_depth(stage: str) -> int | None:
    """Return the hops of a stage that `depth_stage` names, or None for another stage."""
    hops, found, _ = stage.partition("-hop world")
    return int(hops) if found and hops.isdigit() else None


def stage_label(stage: str) -> str:
    """Return the words for a stage: "sft" or "KIND_HANDLING@STEPS"."""
    if stage == "sft":
        return "after post-training"
    parts = stage_parts(stage)
    if parts is None:
        return stage
    kind, handling, steps = parts
    data = {"raw": "raw data", "mix_sft": "data mixed with post-training rows", "reflect": "data with reflections"}[handling]
    return f"after {steps} steps of {kind} fine-tuning on {data}"


def ordered(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return distinct `names` in the order of `known`, and after them those that are not known, sorted."""
    place = {name: index for index, name in enumerate(known)}
    return tuple(sorted(set(names), key=lambda name: (place.get(name, len(place)), name)))


def ordered_stages(stages: Iterable[str]) -> tuple[str, ...]:
    """Return distinct stages: post-training first, then by kind, handling and steps."""

    def key(stage: str) -> tuple[int, int, int, str]:
        parts = stage_parts(stage)
        if parts is None:
            return (0 if stage == "sft" else 1, 0, 0, stage)
        kind, handling, steps = parts
        return (2 + KINDS.index(kind), HANDLINGS.index(handling), steps, stage)

    return tuple(sorted(set(stages), key=key))
