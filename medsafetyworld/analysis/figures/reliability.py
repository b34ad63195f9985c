"""Are the reflections true: how often a segment is unsafe by rule, against the model's own chance of Unsafe."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from medsafetyworld.analysis.calibration import auroc, expected_calibration_error, reliability_bins
from medsafetyworld.analysis.figures.style import MUTED, condition_style, new_figure, percent_axis
from medsafetyworld.analysis.labels import CONDITIONS, condition_label, ordered
from medsafetyworld.analysis.results import reflection_groups
from medsafetyworld.analysis.statistics import wilson
from medsafetyworld.analysis.study import Study

TITLE = "Reliability of reflections"


def draw(study: Study) -> Figure | None:
    """Return one panel a condition: frequency over probability in ten bins, seeds pooled, and the numbers of segments below."""
    if study.run.reflections is None:
        return None
    groups = {condition: seeds for (condition, stage), seeds in reflection_groups(study.run.reflections).items() if stage == "sft"}
    conditions = ordered(groups, CONDITIONS)
    if not conditions:
        return None
    columns = min(4, len(conditions))
    lines = -(-len(conditions) // columns)
    figure = new_figure(max(4.2, 0.8 + 2.4 * columns), 3.5 * lines)
    grid = figure.add_gridspec(2 * lines, columns, height_ratios=[3.2, 1] * lines)
    for place, condition in enumerate(conditions):
        line, column = divmod(place, columns)
        upper = figure.add_subplot(grid[2 * line, column])
        lower = figure.add_subplot(grid[2 * line + 1, column], sharex=upper)
        labels = np.concatenate([own for own, _ in groups[condition].values()])
        chances = np.concatenate([p for _, p in groups[condition].values()])
        colour, marker = condition_style(condition, conditions)
        upper.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        bins = reliability_bins(labels, chances)
        for b in bins:
            e = wilson(round(b.frequency * b.n), b.n)
            if e.low is not None and e.high is not None:
                upper.plot([b.probability] * 2, [e.low, e.high], color=colour, linewidth=1.2)
        upper.plot(
            [b.probability for b in bins],
            [b.frequency for b in bins],
            color=colour,
            marker=marker,
            markersize=5,
            linestyle="none",
            clip_on=False,
        )
        ranking, error = auroc(labels, chances), expected_calibration_error(labels, chances)
        ranked = "AUROC undefined" if ranking is None else f"AUROC {ranking:.3f}"
        upper.text(0.98, 0.04, f"{ranked}\nECE {error:.3f}", ha="right", va="bottom", transform=upper.transAxes, fontsize=8, color=MUTED)
        upper.set_title(condition_label(condition))
        percent_axis(upper, "x")
        percent_axis(upper, "y")
        upper.tick_params(labelbottom=False)
        edges = np.linspace(0, 1, 11)
        lower.hist(
            [chances[~labels], chances[labels]], bins=list(edges), stacked=True, color=["#c9ccd1", colour], edgecolor="white", linewidth=0.5
        )
        lower.tick_params(length=0)
        lower.set_xlabel("chance of Unsafe")
        if column == 0:
            upper.set_ylabel("share unsafe by rule")
            lower.set_ylabel("segments")
    return figure
