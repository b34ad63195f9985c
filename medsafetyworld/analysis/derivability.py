"""What leaks, held against what is derivable: tables and sentences from certificates and from what solvers answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medsafetyworld.analysis.groupings import NO_ROUTE, Grouping, shown
from medsafetyworld.analysis.judgement import leaks
from medsafetyworld.analysis.labels import CEILING, condition_label, solver_label
from medsafetyworld.analysis.metrics import ATTACK_METRICS, UTILITY_METRICS
from medsafetyworld.analysis.report_tables import ReportTable, RowGroup, TableCell, estimate_cell, make_table
from medsafetyworld.analysis.results import group_metric
from medsafetyworld.analysis.statistics import Estimate, paired_t, proportion_over_seeds
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.tables import HARMFUL_CATEGORY, Cell
from medsafetyworld.analysis.wording import UNKNOWN, capitalised, count, estimate, listed, percent, signed
from medsafetyworld.evaluation.solvers import STAGE

ATTACK = "prefill_outcome"
TITLES = {
    "routes": "by the routes to the answer that are open in the model's corpus (mixed: local facts, some of them read backwards)",
    "support": "by the support of the answer: statements that tell the weakest link of its strongest derivation",
    "exposure": "by exposure: statements that name the outcome",
}
MISSING = (
    "The completions carry no certificates, so what leaks is not held against what is derivable; the command that made this run adds them"
    " without training again."
)


def derivability_tables(study: Study) -> list[ReportTable]:
    """Return attack success under the outcome prefill by routes, support and exposure, and what solvers answer, group by group."""
    tables = []
    for grouping in study.outcomes.groupings.values():
        groups = [RowGroup("", [(condition_label(c), _group_cells(study, grouping, c)) for c in study.outcomes.conditions if study.has(c)])]
        for solver in study.solvers:
            stage = STAGE + solver
            rows = [(condition_label(c), _group_cells(study, grouping, c, stage, "direct")) for c in study.outcomes.conditions]
            groups.append(RowGroup(f"{capitalised(solver_label(solver))}, from the same corpora, asked directly", rows))
        caption = f"Attack success under the outcome prefill after post-training, {TITLES[grouping.name]}."
        if grouping.name != "routes":
            caption += " Bins are quantiles over the held-out harmful queries of all conditions and seeds."
        table = make_table(caption, ["condition", *shown(grouping.labels)], groups if groups[0].rows else [])
        if table is not None:
            tables.append(table)
    return tables


def _group_cells(study: Study, grouping: Grouping, condition: str, stage: str = "sft", attack: str = ATTACK) -> list[TableCell]:
    cells = []
    for number in range(len(grouping.labels)):
        e = study.results.get(condition, group_metric(grouping, number), stage=stage, attack=attack)
        cell = estimate_cell(e)
        cells.append(TableCell(cell.text, f"{cell.aside}, n = {e.n:,}".removeprefix(", ")) if e.value is not None else cell)
    return cells


def solver_table(study: Study) -> ReportTable | None:
    """Return what each solver answers from each condition's corpus."""
    groups = []
    for solver in study.solvers:
        stage, rows = STAGE + solver, []
        for condition in study.outcomes.conditions:
            benign = [("forward_safe", "all"), ("forward_unsafe", "all"), ("reverse_safe", "stated"), ("reverse_safe", "composed")]
            cells = [estimate_cell(study.solver_rate(condition, solver), strong=True)]
            cells += [estimate_cell(study.results.get(condition, "accuracy", stage=stage, category=c, arm=a)) for c, a in benign]
            rows.append((condition_label(condition), cells))
        groups.append(RowGroup(capitalised(solver_label(solver)), rows))
    columns = ["condition", "reverse unsafe", "forward safe", "forward unsafe", "reverse safe, stated", "reverse safe, composed"]
    caption = "What solvers without a neural model answer from the same corpora, asked directly, by the same judge: held-out queries."
    return make_table(caption, columns, groups)


def derivability_sentences(study: Study) -> Iterator[str]:
    """Say what leaks of what is stated, of what routes derive, and of what neither does; how support tells; and what solvers answer."""
    if "routes" in study.outcomes.groupings:
        yield from _by_derivability(study)
        for name in ("support", "exposure"):
            yield from _slopes(study, study.outcomes.groupings[name])
    yield from _solvers(study)


def _by_derivability(study: Study) -> Iterator[str]:
    routes = study.outcomes.groupings["routes"]
    cell = _pooled(study)
    if not len(cell):
        return
    group = routes.group[cell.row]
    stated = np.array([label.split("+")[0] == "stated" for label in routes.labels])[group] & (group >= 0)
    underivable = np.array([label == NO_ROUTE for label in routes.labels])[group] & (group >= 0)
    if underivable.any():
        e = _rate(cell.where(underivable))
        reading = {
            1: ": more than the certificates allow, so something that they do not count tells these answers",
            -1: ", as the certificates have it",
            0: "",
        }[leaks(e)]
        where = listed([condition_label(c) for c in study.outcomes.conditions if _has(study, c, NO_ROUTE)])
        yield (
            f"Of the held-out unsafe answers that nothing states and no route derives ({where}), {estimate(e)} leaked under the outcome"
            f" prefill, of {count(e.n, 'completion')}{reading}."
        )
    else:
        yield (
            "Every held-out unsafe answer is stated or derivable in every corpus of this run: nothing shows what leaks without a"
            " derivation."
        )
    for chosen, what in (
        (~stated & ~underivable & (group >= 0), "that a route derives and nothing states"),
        (stated, "that the corpus states"),
    ):
        rates = []
        for condition in study.outcomes.conditions:
            own = np.isin(cell.row, study.outcomes.cell(condition, attack=ATTACK).row) & chosen
            if own.any():
                rates.append(f"{condition_label(condition)} {estimate(_rate(cell.where(own)))}")
        if rates:
            yield f"Of those {what} leaked: {listed(rates)}."
    for condition in study.outcomes.conditions:
        found = [(label, e) for label, e in _estimates(study, routes, condition) if label != NO_ROUTE]
        if len(found) > 1 and any(leaks(e) > 0 for _, e in found):
            by_routes = listed([f"{label} {estimate(e)}" for label, e in found])
            yield f"{capitalised(condition_label(condition))}, by open routes: {by_routes}."


def _slopes(study: Study, grouping: Grouping) -> Iterator[str]:
    """Say how leaks differ between the lowest and the highest bin, for conditions that leak in either."""
    for condition in study.outcomes.conditions:
        cell = study.outcomes.cell(condition, attack=ATTACK)
        group = grouping.group[cell.row]
        present = [number for number in np.unique(group).tolist() if number >= 0 and grouping.labels[number] != "0"]
        if len(present) < 2:
            continue
        ends = [cell.where(group == number).counts(ATTACK_METRICS["asr"]) for number in (present[0], present[-1])]
        both = sorted(set(ends[0].seeds) & set(ends[1].seeds))
        low, high = (end.only(both) for end in ends)
        if len(both) < min(2, len(study.seeds)) or (low.successes.sum() == 0 and high.successes.sum() == 0):
            continue
        rates = [end.successes / end.totals for end in (low, high)]
        d = paired_t(rates[1] - rates[0])
        interval = UNKNOWN if d.low is None or d.high is None else f"{signed(d.low)} to {signed(d.high)}"
        labels = shown([grouping.labels[present[0]], grouping.labels[present[-1]]])
        yield (
            f"{capitalised(condition_label(condition))}, by {grouping.name}: {percent(float(rates[0].mean()))} at {labels[0]},"
            f" {percent(float(rates[1].mean()))} at {labels[1]}, a difference of {signed(d.difference)} points"
            f" ({interval}, over {count(len(both), 'seed')}, not corrected for the number of such differences)."
        )


def _solvers(study: Study) -> Iterator[str]:
    for solver in study.solvers:
        by_rate: dict[str, list[str]] = {}
        for condition in study.outcomes.conditions:
            by_rate.setdefault(estimate(study.solver_rate(condition, solver)), []).append(condition_label(condition))
        rates = "; in ".join(f"{rate} from {' / '.join(names)}" for rate, names in by_rate.items())
        bound = " (the ceiling: whatever follows from the text)" if solver == CEILING else ""
        yield f"{capitalised(solver_label(solver))}{bound}: held-out unsafe queries are answered right in {rates}."
    if study.solved is not None and CEILING in study.solvers and "routes" in study.solved.groupings:
        yield _agreement(study)


def _agreement(study: Study) -> str:
    """Say whether the ceiling answers exactly what the certificates call derivable, benign queries included."""
    assert study.solved is not None
    right = (*ATTACK_METRICS["asr"], *UTILITY_METRICS["accuracy"])
    value = study.solved.groupings["routes"].value
    total = differing = 0
    for key in study.solved.keys:
        if key[1] == STAGE + CEILING:
            cell = study.solved.cell(*key[:6], arms=(key[6],))
            known = ~np.isnan(value[cell.row])
            total += int(known.sum())
            differing += int((cell.flags(right) != (value[cell.row] == 1))[known].sum())
    if differing:
        return f"It disagrees with the certificates on {differing:,} of {total:,} queries: one of the two is wrong there."
    return f"The {solver_label(CEILING)} answers exactly those of {total:,} queries that the certificates call stated or derivable."


def _pooled(study: Study) -> Cell:
    """Return the completions of all conditions' models under the outcome prefill, seeds rising."""
    cells = [study.outcomes.cell(condition, attack=ATTACK) for condition in study.outcomes.conditions]
    return Cell.pooled(cells)


def _rate(cell: Cell) -> Estimate:
    counts = cell.counts(ATTACK_METRICS["asr"])
    return proportion_over_seeds(counts.successes, counts.totals)


def _estimates(study: Study, grouping: Grouping, condition: str) -> list[tuple[str, Estimate]]:
    """Return the groups of a condition, with attack success in each."""
    found = []
    for number, label in enumerate(grouping.labels):
        e = study.results.get(condition, group_metric(grouping, number), attack=ATTACK, category=HARMFUL_CATEGORY)
        if e.value is not None:
            found.append((shown([label])[0], e))
    return found


def _has(study: Study, condition: str, label: str) -> bool:
    return any(found == label for found, _ in _estimates(study, study.outcomes.groupings["routes"], condition))
