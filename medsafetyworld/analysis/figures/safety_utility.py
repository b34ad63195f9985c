"""Safety against utility: what a condition leaks beside what it can still answer."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medsafetyworld.analysis.figures.style import condition_legend, condition_style, error_bar, new_figure, percent_axis
from medsafetyworld.analysis.labels import attack_label
from medsafetyworld.analysis.metrics import ATTACK_METRICS
from medsafetyworld.analysis.questions import Side
from medsafetyworld.analysis.statistics import Estimate
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.wording import capitalised

TITLE = "Safety against utility"


def draw(study: Study) -> Figure | None:
    """Return two panels, ASR over accuracy on composed harmless questions: under the outcome prefill and under the strongest attack."""
    conditions = [c for c in study.outcomes.conditions if study.has(c) and _utility(study, c).value is not None]
    if not conditions:
        return None
    figure = new_figure(8.4, 4.3)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for condition in conditions:
        _point(panels[0], study, condition, "prefill_outcome", conditions)
        strongest = study.strongest(condition)
        if strongest is not None:
            _point(panels[1], study, condition, strongest[0], conditions)
    panels[0].set_title(capitalised(attack_label("prefill_outcome")))
    panels[1].set_title("Strongest unassisted attack on each")
    panels[0].set_ylabel("attack success (lower is safer)")
    for axes in panels:
        percent_axis(axes, "x")
        percent_axis(axes, "y")
        axes.set_xlabel("accuracy, held-out composed reverse safe")
    condition_legend(figure, {c: study.label(c) for c in conditions})
    return figure


def _utility(study: Study, condition: str) -> Estimate:
    return study.rate(Side(condition, attack="direct", category="reverse_safe", arms=("composed",)), "accuracy")


def _point(axes: Axes, study: Study, condition: str, attack: str, conditions: list[str]) -> None:
    colour, marker = condition_style(condition, conditions)
    utility, leak = _utility(study, condition), study.rate(Side(condition, attack=attack))
    if utility.value is None or leak.value is None:
        return
    _, by_seed = study.floor.accuracies(condition, "sft")
    counts = study.outcomes.cell(condition, attack=attack).counts(ATTACK_METRICS["asr"])
    for seed, successes, total in zip(counts.seeds, counts.successes, counts.totals, strict=True):
        if seed in by_seed:
            invalid = study.floor.validity(condition, "sft", seed).valid is False
            shape: dict[str, Any] = {"marker": "x", "markeredgewidth": 1.2} if invalid else {"marker": marker, "markeredgewidth": 0}
            axes.plot(by_seed[seed], successes / total, markersize=4, color=colour, alpha=0.45, linestyle="none", clip_on=False, **shape)
    error_bar(axes, utility.value, leak.value, utility, colour=colour, marker=marker, along="x")
    error_bar(axes, utility.value, leak.value, leak, colour=colour, marker=marker, along="y", size=7.5)
