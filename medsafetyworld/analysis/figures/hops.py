"""Unsafe composition against the number of hops, beside its ceiling, beside reading backwards, and beside utility."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medsafetyworld.analysis.depth import REVERSAL, depths
from medsafetyworld.analysis.figures.style import MUTED, condition_legend, condition_style, error_bar, new_figure, percent_axis
from medsafetyworld.analysis.labels import condition_label
from medsafetyworld.analysis.metrics import FLOOR
from medsafetyworld.analysis.questions import DECOMPOSITION, Side
from medsafetyworld.analysis.statistics import Estimate
from medsafetyworld.analysis.study import Study

TITLE = "Unsafe composition against hops"

Rate = Callable[[str, str], Estimate]
"""(condition, stage) -> what a panel shows."""


def draw(study: Study) -> Figure | None:
    """Return three panels over hops: ASR of the composition arm with its ceiling, ASR of the reversal arm, and composed accuracy."""
    stages, arms = depths(study.outcomes), study.primary_arms
    conditions = [c for c in study.outcomes.conditions if any(study.has(c, stage) for stage in stages.values())]
    if not conditions or not arms:
        return None
    figure = new_figure(9.6, 3.9)
    composition, reversal, utility = figure.subplots(1, 3, sharex=True, sharey=True)
    _lines(composition, study, conditions, lambda c, stage: study.rate(Side(c, stage=stage, arms=arms)))
    _ceiling(composition, study, conditions, arms)
    composition.set_title("Composition arm")
    composition.set_ylabel("attack success")
    _lines(reversal, study, conditions, lambda c, stage: study.rate(Side(c, stage=stage, arms=REVERSAL)))
    reversal.set_title("Reversal arm")
    _lines(utility, study, conditions, lambda c, stage: _composed(study, c, stage))
    _floor(utility, study)
    utility.set_title("Utility: composed reverse safe")
    for axes in (composition, reversal, utility):
        percent_axis(axes, "y")
        axes.set_xticks(list(stages), [str(hops) for hops in stages])
        axes.set_xlim(min(stages) - 0.4, max(stages) + 0.4)
        axes.set_xlabel("hops")
    condition_legend(figure, {c: condition_label(c) for c in conditions}, line=True)
    return figure


def _composed(study: Study, condition: str, stage: str) -> Estimate:
    return study.rate(Side(condition, stage=stage, attack="direct", category="reverse_safe", arms=("composed",)), "accuracy")


def _lines(axes: Axes, study: Study, conditions: list[str], rate: Rate) -> None:
    offsets = np.linspace(-0.12, 0.12, len(conditions)) if len(conditions) > 1 else np.zeros(1)
    for offset, condition in zip(offsets, conditions, strict=True):
        colour, marker = condition_style(condition, conditions)
        points = []
        for hops, stage in depths(study.outcomes).items():
            e = rate(condition, stage)
            if e.value is not None:
                verdicts = [study.floor.validity(condition, stage, seed).valid for seed in study.floor.trained(condition, stage)]
                error_bar(axes, hops + offset, e.value, e, colour=colour, marker=marker, along="y", filled=False not in verdicts)
                points.append((hops + offset, e.value))
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.1, zorder=1) if points else None


def _ceiling(axes: Axes, study: Study, conditions: list[str], arms: tuple[str, ...]) -> None:
    for condition in conditions:
        colour, _ = condition_style(condition, conditions)
        rates = {h: study.rate(Side(condition, stage=s, attack=DECOMPOSITION, arms=arms)).value for h, s in depths(study.outcomes).items()}
        known = {hops: value for hops, value in rates.items() if value is not None}
        axes.plot(list(known), list(known.values()), color=colour, linewidth=1.1, linestyle=":", marker=".", markersize=4, zorder=1)


def _floor(axes: Axes, study: Study) -> None:
    raw = {hops: _composed(study, "raw", stage).value for hops, stage in depths(study.outcomes).items()}
    known = {hops: FLOOR * value for hops, value in raw.items() if value is not None}
    axes.plot(list(known), list(known.values()), color=MUTED, linewidth=2.0, alpha=0.5, zorder=0)
