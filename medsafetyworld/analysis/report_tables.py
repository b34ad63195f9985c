"""The report's tables as plain data: titles, columns and cells, ready for the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from medsafetyworld.analysis.comparisons import Comparison
from medsafetyworld.analysis.labels import (
    BENIGN_CATEGORIES,
    CATEGORY_LABELS,
    HARMFUL_OUTCOMES,
    attack_label,
    condition_label,
    is_assisted,
    outcome_label,
    stage_label,
)
from medsafetyworld.analysis.metrics import FLOOR
from medsafetyworld.analysis.questions import DECOMPOSITION, Side
from medsafetyworld.analysis.results import KNOWLEDGE, REFLECTIONS
from medsafetyworld.analysis.sentences import interval, is_shown, sentence
from medsafetyworld.analysis.statistics import Estimate
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.tables import HARMFUL_CATEGORY
from medsafetyworld.analysis.wording import MINUS, UNKNOWN, capitalised, listed, number, percent, points, signed

LEAKING = "178, 65, 10"
HOLDING = "43, 108, 158"
NEUTRAL = "120, 126, 134"
_TINTS = {
    "leaked": LEAKING,
    "leaked_then_flagged": LEAKING,
    "flagged_then_leaked": LEAKING,
    "flagged_before_leak": HOLDING,
    "refused": HOLDING,
}


@dataclass(frozen=True, slots=True)
class TableCell:
    """Text, the smaller text of an interval beside it, and a tint ("r, g, b") with its strength."""

    text: str
    aside: str = ""
    tint: str = ""
    strength: float = 0.0
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; `numeric` ones are aligned at the right."""

    title: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows under a heading of their own ("" for none). A row is its label and its cells."""

    title: str
    rows: list[tuple[str, list[TableCell]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table: what it shows, its columns (the first is that of the row labels), and its groups."""

    caption: str
    columns: list[Column]
    groups: list[RowGroup]


def outcome_table(study: Study, stage: str = "sft", policy: str = "none") -> ReportTable | None:
    """Return the shares of every outcome and the success rates that follow from them, attack by attack."""
    groups = []
    for attack in study.outcomes.attacks:
        rows = []
        for condition in study.outcomes.conditions:
            where = {"stage": stage, "attack": attack, "policy": policy}
            asr = study.results.get(condition, "asr", **where)
            if asr.value is None:
                continue
            cells = [estimate_cell(asr, strong=True)]
            for outcome in HARMFUL_OUTCOMES:
                share = study.results.get(condition, f"share_{outcome}", **where).value or 0.0
                cells.append(TableCell(percent(share) if share else "·", tint=_TINTS.get(outcome, NEUTRAL), strength=share))
            cells += [TableCell(_percent(study.results.get(condition, metric, **where))) for metric in ("paper_asr", "unflagged_asr")]
            cells += [_valid_cell(study.results.get(condition, "asr_valid", **where), asr), TableCell(f"{asr.n:,}")]
            rows.append((condition_label(condition), cells))
        if rows:
            note = ", assisted" if is_assisted(attack) else ""
            groups.append(RowGroup(capitalised(attack_label(attack)) + note, rows))
    columns = ["condition", "ASR", *(outcome_label(o) for o in HARMFUL_OUTCOMES), "paper ASR", "unflagged ASR", "ASR, valid seeds", "n"]
    return make_table(f"Held-out harmful queries, {stage_label(stage)}, policy {policy}.", columns, groups)


def arm_table(study: Study) -> ReportTable | None:
    """Return UCG by route arm under the outcome prefill; conditions whose corpus states harm have ASR only."""
    arms = [arm for arm in study.outcomes.arms(HARMFUL_CATEGORY) if arm]
    rows = []
    for condition in study.outcomes.conditions:
        if not study.has(condition):
            continue
        cells = [estimate_cell(study.rate(Side(condition, arms=(arm,)))) for arm in arms]
        ucg = study.results.get(condition, "ucg", attack="prefill_outcome")
        ceiling = study.rate(Side(condition, attack=DECOMPOSITION))
        cells += [estimate_cell(study.rate(Side(condition))), estimate_cell(ucg, strong=True), estimate_cell(ceiling)]
        rows.append((condition_label(condition), cells))
    columns = ["condition", *(f"ASR, {arm}" for arm in arms), "ASR, all arms", "UCG", "decomposition ceiling"]
    return make_table(
        "Outcome prefill, after post-training. UCG is defined where the corpus states no harmful chain.", columns, [RowGroup("", rows)]
    )


def utility_table(study: Study) -> ReportTable | None:
    """Return accuracy on held-out harmless queries, refusals of them, and the seeds below the utility floor, by stage."""
    groups = []
    for stage in study.outcomes.stages:
        rows = []
        for condition in study.outcomes.conditions:
            seeds = study.floor.trained(condition, stage)
            if not seeds:
                continue
            cells = [estimate_cell(study.results.get(condition, "accuracy", stage=stage, category=c)) for c in BENIGN_CATEGORIES[:2]]
            reverse = [
                study.results.get(condition, "accuracy", stage=stage, category="reverse_safe", arm=a) for a in ("stated", "composed")
            ]
            cells += [estimate_cell(e) for e in reverse]
            for metric in ("over_refusal", "withheld"):
                cells.append(TableCell(_percent(study.results.get(condition, metric, stage=stage, category="reverse_safe"))))
            cells.append(TableCell(_floor(study, condition, stage, seeds)))
            rows.append((condition_label(condition), cells))
        if rows:
            groups.append(RowGroup(capitalised(stage_label(stage)), rows))
    columns = [
        "condition",
        "forward safe",
        "forward unsafe",
        "reverse safe, stated",
        "reverse safe, composed",
        "over-refused",
        "refused or flagged first",
        "seeds below the floor",
    ]
    caption = (
        "Accuracy on held-out harmless queries, asked directly; the two columns of refusals are of reverse safe queries."
        f" A model is below the floor, and its safety number invalid, with less than {percent(FLOOR)} of raw's accuracy on forward or"
        " on composed queries."
    )
    return make_table(caption, columns, groups)


def comparison_table(study: Study) -> ReportTable | None:
    """Return every comparison, family by family."""
    families: dict[str, RowGroup] = {}
    for comparison in study.comparisons.values():
        question = comparison.question
        family = families.setdefault(question.family, RowGroup(capitalised(question.family)))
        family.rows.append((question.question, _comparison_cells(comparison)))
    columns = ["question", "a", "b", f"a {MINUS} b, points", "p", "p corrected", "p, sign-flip", "bootstrap", "detectable", "seeds"]
    caption = (
        "Paired differences over seeds with 95% intervals. p: paired t; corrected: Holm within the family; bootstrap: over seeds and"
        " queries; detectable: the difference that would be found four times in five. Bold where shown at 0.05."
    )
    return make_table(caption, columns, list(families.values()))


def _comparison_cells(comparison: Comparison) -> list[TableCell]:
    d = comparison.all_seeds
    shown = is_shown(comparison)
    detectable = UNKNOWN if d.minimum_detectable_effect is None else points(d.minimum_detectable_effect).split()[0]
    p = _p(d.p_value) + ("*" if d.p_value_method == "sign_flip" else "")
    corrected = "primary" if comparison.question.primary else _p(comparison.p_holm)
    bootstrap = f"{signed(d.bootstrap_low)} to {signed(d.bootstrap_high)}".replace("+", "")
    return [
        TableCell(percent(d.a_value)),
        TableCell(percent(d.b_value)),
        TableCell(signed(d.difference), interval(d).replace("+", ""), strong=shown),
        TableCell(p),
        TableCell(corrected, strong=shown and not comparison.question.primary),
        TableCell(_p(d.p_sign_flip)),
        TableCell(bootstrap),
        TableCell(detectable),
        TableCell(str(d.seeds)),
    ]


def comparison_sentences(study: Study) -> list[str]:
    """Return every comparison as a sentence."""
    return [sentence(comparison) for comparison in study.comparisons.values()]


def knowledge_table(study: Study) -> ReportTable | None:
    """Return how often the right answer ranks first among all candidates, by category; after post-training."""
    rows = []
    categories = (HARMFUL_CATEGORY, *BENIGN_CATEGORIES)
    for condition in study.outcomes.conditions:
        first = [study.results.get(condition, "answer_ranked_first", attack=KNOWLEDGE, category=c) for c in categories]
        if any(e.value is not None for e in first):
            log = study.results.get(condition, "mean_answer_log_probability", attack=KNOWLEDGE)
            cells = [estimate_cell(e) for e in first]
            cells.append(TableCell(UNKNOWN if log.value is None else number(log.value, 2)))
            rows.append((condition_label(condition), cells))
    columns = ["condition", *(CATEGORY_LABELS[c] for c in categories), "mean log-probability, reverse unsafe"]
    caption = (
        "Knowledge apart from propensity: queries whose right answer ranks first among all candidates, teacher-forced, after post-training."
    )
    return make_table(caption, columns, [RowGroup("", rows)] if rows else [])


def reflection_table(study: Study) -> ReportTable | None:
    """Return ranking and calibration of the models' own reflections."""
    rows = []
    for condition in study.outcomes.conditions:
        auroc, error, accuracy = (
            study.results.get(condition, metric, attack=REFLECTIONS, category="all")
            for metric in ("auroc", "calibration_error", "harmonic_accuracy")
        )
        if auroc.n:
            cells = [TableCell(f"{auroc.n:,}"), _number_cell(auroc), _number_cell(error), _number_cell(accuracy)]
            rows.append((condition_label(condition), cells))
    columns = ["condition", "segments", "AUROC", "calibration error", "harmonic accuracy"]
    caption = (
        "The models' own reflections on new segments about held-out outcomes, against the label rule, after post-training;"
        " one value a seed."
    )
    return make_table(caption, columns, [RowGroup("", rows)] if rows else [])


def timing_table(study: Study) -> ReportTable | None:
    """Return the cost of the stages, mean over seeds."""
    groups: dict[tuple[str, str], list[dict[str, float]]] = {}
    for entry in study.run.timings:
        groups.setdefault((str(entry.get("condition")), str(entry.get("stage"))), []).append(entry)
    rows = []
    for (condition, stage), entries in groups.items():
        cells = [TableCell(str(len(entries)))]
        for name, form in (
            ("seconds", "{:,.0f}"),
            ("tokens", "{:,.0f}"),
            ("tokens_per_second", "{:,.0f}"),
            ("parameters", "{:,.0f}"),
            ("final_loss", "{:.3f}"),
        ):
            values = [entry[name] for entry in entries if entry.get(name) is not None]
            cells.append(TableCell(form.format(sum(values) / len(values)) if values else UNKNOWN))
        rows.append((f"{condition_label(condition)}, {stage}", cells))
    columns = ["stage", "runs", "seconds", "tokens", "tokens/s", "parameters", "final loss"]
    return make_table("Cost, mean over runs.", columns, [RowGroup("", rows)] if rows else [])


def _floor(study: Study, condition: str, stage: str, seeds: Iterable[int]) -> str:
    verdicts = {seed: study.floor.validity(condition, stage, seed).valid for seed in seeds}
    invalid = [str(seed) for seed, valid in verdicts.items() if valid is False]
    if invalid:
        return listed(invalid)
    return "unknown" if None in verdicts.values() else "none"


def make_table(caption: str, titles: list[str], groups: list[RowGroup]) -> ReportTable | None:
    """Return a table whose first column is that of the row labels; None without rows."""
    if not any(group.rows for group in groups):
        return None
    return ReportTable(caption, [Column(title, numeric=place > 0) for place, title in enumerate(titles)], groups)


def _percent(e: Estimate) -> str:
    return UNKNOWN if e.value is None else percent(e.value)


def estimate_cell(e: Estimate, *, strong: bool = False) -> TableCell:
    """Return an estimate with its interval as a percentage, or the sign for an unknown one."""
    if e.value is None:
        return TableCell(UNKNOWN)
    aside = "" if e.low is None or e.high is None else f"{100 * e.low:.0f} to {100 * e.high:.0f}"
    return TableCell(percent(e.value), aside, strong=strong)


def _valid_cell(valid: Estimate, over_all: Estimate) -> TableCell:
    """Return the estimate over valid seeds, or a word where there is none or where it is the one over all seeds."""
    if valid.value is None:
        return TableCell("invalid" if valid.reason and valid.reason.startswith("no seed") else "unknown")
    return (
        TableCell("all valid") if valid.seeds == over_all.seeds else TableCell(percent(valid.value), f"{valid.seeds} of {over_all.seeds}")
    )


def _number_cell(e: Estimate) -> TableCell:
    if e.value is None:
        return TableCell(UNKNOWN)
    return TableCell(f"{e.value:.3f}", "" if e.low is None or e.high is None else f"{e.low:.3f} to {e.high:.3f}")


def _p(p: float | None) -> str:
    return UNKNOWN if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
