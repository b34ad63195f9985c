"""Hypothesis strategies over this package's values, for properties of your own code.

    >>> from hypothesis import given
    >>> from medsafetyworld.testing import worlds
    >>> @given(worlds())
    ... def test_every_outcome_is_asked_about(world):
    ...     assert len(world.queries("reverse_safe")) + len(world.queries("reverse_unsafe")) == len(world.outcomes)

Needs the extra `test`. All values are small, and degenerate ones (one compound, nothing held out, everything unsafe, no pair)
are drawn on purpose.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig, FilterConfig, ReflectionConfig
from medsafetyworld.corpus.config import LABEL_RULES, LONGEST_SENTENCE_WORDS, REFLECTION_STYLES, REWRITE_STYLES
from medsafetyworld.world import Query, World, WorldConfig
from medsafetyworld.world.config import ARMS, HAZARDS, TASKS
from medsafetyworld.world.mentions import Mention
from medsafetyworld.world.schema import HOPS
from medsafetyworld.world.splits import fewest_composable, resolve_arms

CONDITIONS = ("raw", "filtered", "filtered_plus", "rewritten", "reflection")
_FRACTIONS = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0.0, 1.0)
_SEEDS = st.integers(0, 2**63 - 1)


@st.composite
def world_configs(draw: st.DrawFn, tasks: Sequence[str] = TASKS) -> WorldConfig:
    """Possible configurations of every number of hops and up to about sixty entities, the smallest possible ones included."""
    task = draw(st.sampled_from(tuple(tasks)))
    hops = draw(st.none() | st.integers(*HOPS[task]))
    mediators = draw(st.integers(2, 9))
    if task == "two_hop":
        compounds = draw(st.integers(mediators, mediators + 5))
        most_pairs = mediators * (mediators - 1) // 2
        outcomes = draw(st.integers(1, min(most_pairs, 12)))
        single_edges = draw(st.sampled_from([None, compounds]))
        pair_edges = draw(st.none() | st.integers(outcomes, min(most_pairs, outcomes + 8)))
    else:
        compounds, outcomes = draw(st.integers(1, 10)), draw(st.integers(1, 10))
        single_edges = draw(st.none() | st.integers(compounds + outcomes - 1, compounds * outcomes))
        most_pairs = compounds * (compounds - 1) // 2
        pair_edges = draw(st.integers(0, min(most_pairs, 15)))
    unsafe_fraction, heldout_fraction = draw(_FRACTIONS), draw(_FRACTIONS)
    arms = draw(st.none() | st.lists(st.sampled_from(ARMS[task]), min_size=1, unique=True).map(tuple))
    heldout_safe = round(heldout_fraction * (outcomes - round(unsafe_fraction * outcomes)))
    composed = draw(st.integers(0, fewest_composable(task, resolve_arms(task, arms), heldout_safe)))
    return WorldConfig(
        task=task,  # type: ignore[arg-type]
        hops=hops,
        compounds=compounds,
        mediators=mediators,
        outcomes=outcomes,
        single_edges=single_edges,
        pair_edges=pair_edges,
        unsafe_fraction=unsafe_fraction,
        hazard_categories=draw(st.integers(1, len(HAZARDS))),
        label_visible=draw(st.booleans()),
        heldout_fraction=heldout_fraction,
        arms=arms,
        composed_fraction=composed / heldout_safe if heldout_safe else draw(_FRACTIONS),
        seed=draw(_SEEDS),
    )


def worlds(tasks: Sequence[str] = TASKS) -> st.SearchStrategy[World]:
    """Worlds of `world_configs`."""
    return world_configs(tasks).map(World.generate)


@st.composite
def bad_world_configs(draw: st.DrawFn) -> dict[str, Any]:
    """Keyword arguments of `WorldConfig` that it must refuse: a possible configuration with one field spoiled."""
    config = draw(world_configs())
    kwargs = {name: getattr(config, name) for name in WorldConfig.__dataclass_fields__}
    pairs_of = config.mediators if config.task == "two_hop" else config.compounds
    spoiled: dict[str, st.SearchStrategy[Any]] = {
        "task": st.sampled_from(["", "three_hop", "two-hop"]),
        "hops": st.sampled_from([0, HOPS[config.task][1] + 1, -1, 2.5]),
        "compounds": st.integers(-3, 0) | st.just(1.5),
        "outcomes": st.integers(-3, 0) | st.just("12"),
        "single_edges": st.integers(-3, -1) | st.just(config.compounds * config.outcomes * 10 + 1),
        "pair_edges": st.just(-1) | st.integers(pairs_of * (pairs_of - 1) // 2 + 1, 10**6),
        "hazard_categories": st.sampled_from([0, -1, len(HAZARDS) + 1]),
        "arms": st.sampled_from([(), ("nowhere",), ("both", "both"), ("both", "nowhere"), "both"]),
        "label_visible": st.sampled_from([None, "yes", 2]),
        "seed": st.sampled_from([-1, 2**63, 0.5]),
    }
    for name in ("unsafe_fraction", "heldout_fraction", "composed_fraction"):
        spoiled[name] = st.floats(max_value=0.0, exclude_max=True) | st.floats(min_value=1.0, exclude_min=True) | st.just("0.5")
    if config.task == "two_hop":
        spoiled["mediators"] = st.integers(-1, 1) | st.just(config.compounds + 1)
    name = draw(st.sampled_from(sorted(spoiled)))
    kwargs[name] = draw(spoiled[name])
    return kwargs


@st.composite
def corpus_configs(draw: st.DrawFn, max_documents: int = 60) -> CorpusConfig:
    """Possible configurations of up to `max_documents` documents, with every knob of every condition."""
    topic_share = draw(_FRACTIONS)
    return CorpusConfig(
        documents=draw(st.integers(1, max_documents)),
        statements_per_document=draw(st.integers(1, 5)),
        topic_share=topic_share,
        framing_share=draw(st.floats(0.0, 1.0 - topic_share)),
        closing_share=draw(_FRACTIONS),
        hazard_statements=draw(st.integers(0, 3)),
        single_rate=draw(st.integers(1, 3)),
        pair_rate=draw(st.integers(1, 3)),
        chain_rate=draw(st.integers(1, 3)),
        reverse_rate=draw(_FRACTIONS),
        cooccurrence_rate=draw(_FRACTIONS),
        rewrite_style=draw(st.sampled_from(REWRITE_STYLES)),
        filter=FilterConfig(
            unit=draw(st.sampled_from(["statement", "document"])),
            recall=draw(st.just(1.0) | _FRACTIONS),
            false_positive_rate=draw(st.just(0.0) | _FRACTIONS),
        ),
        reflection=ReflectionConfig(
            base=draw(st.sampled_from(["filtered", "raw"])),
            segment_words=draw(st.none() | st.integers(LONGEST_SENTENCE_WORDS, 120)),
            style=draw(st.sampled_from(REFLECTION_STYLES)),
            label_rule=draw(st.sampled_from(LABEL_RULES)),
            label_noise=draw(st.just(0.0) | _FRACTIONS),
            end_of_text=draw(st.booleans()),
            interval=draw(st.integers(1, 3)),
            start=draw(st.just(0.0) | _FRACTIONS),
        ),
        seed=draw(_SEEDS),
    )


@st.composite
def corpora(draw: st.DrawFn, conditions: Sequence[str] = CONDITIONS, tasks: Sequence[str] = TASKS, max_documents: int = 60) -> Corpus:
    """Corpora of drawn worlds under one of `conditions`."""
    return Corpus(draw(worlds(tasks)), draw(st.sampled_from(tuple(conditions))), draw(corpus_configs(max_documents)))


def queries(world: World, category: str | None = None, split: str | None = None) -> st.SearchStrategy[Query]:
    """Queries of a world; draws nothing at all where it has none of the category and split."""
    return st.sampled_from(world.queries(category, split)) if world.queries(category, split) else st.nothing()


@dataclass(frozen=True, slots=True)
class Completion:
    """A text as a model might write it, and the names that stand in it, in order."""

    text: str
    mentions: tuple[Mention, ...]

    @property
    def entities(self) -> tuple[int, ...]:
        """Ids of the named entities, in the order of mention, repeats included."""
        return tuple(mention.entity for mention in self.mentions)


_NOISE = st.sampled_from(
    [
        *("the", "and", "is caused by", "can be traced to", "Question:", "<think> Safe </think>", "<think> Unsafe </think>"),
        *("<|endoftext|>", "I cannot help with this request.", "...", "12%", "naïve", "药物", "_", "\u200b", "(", ")", "-", '"'),
    ]
)
_SPACES = st.sampled_from([" ", " ", "  ", "\n", "\t", "\u00a0"])
_BORDERS = st.sampled_from([" ", " ", ", ", ". ", "; ", "\n", " (", ") ", "-", "/", "'", "\u2019", "</think>"])
_GLUE = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=2)


@st.composite
def completions(draw: st.DrawFn, world: World, query: Query, max_parts: int = 8) -> Completion:
    """Completions of a query: names of the world, right answers often among them, in noise and among near misses.

    Names vary in case and in the whitespace between their words. Near misses are names that stand glued to letters, digits
    or underscores, or with a comma between their words; they name nothing.
    """
    answers = sorted({entity for answer in query.answers for entity in answer})
    text, mentions = "", []
    for _ in range(draw(st.integers(0, max_parts))):
        part = draw(st.sampled_from(["answer", "entity", "near miss", "noise"]))
        if part == "noise":
            text += draw(_NOISE)
        else:
            entity = draw(st.sampled_from(answers) if part == "answer" else st.integers(0, len(world.names) - 1))
            if part == "near miss":
                text += draw(_near_misses(world.names[entity]))
            else:
                written = draw(_written(world.names[entity]))
                mentions.append(Mention(entity, len(text), len(text) + len(written)))
                text += written
        text += draw(_BORDERS)
    return Completion(text, tuple(mentions))


@st.composite
def _written(draw: st.DrawFn, name: str) -> str:
    case = draw(st.sampled_from([name, name, name.upper(), name.capitalize(), name.title()]))
    first, *rest = case.split(" ")
    return first + "".join([draw(_SPACES) + word for word in rest])


@st.composite
def _near_misses(draw: st.DrawFn, name: str) -> str:
    forms = [draw(_GLUE) + name, name + draw(_GLUE)]
    if " " in name:
        forms += [name.replace(" ", ", "), name.replace(" ", "-"), name.replace(" ", ""), name.split(" ")[0]]
    return draw(st.sampled_from(forms))
