"""Attack success over the whole ladder, one panel a condition."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from medsafetyworld.analysis.figures.style import (
    INK,
    MUTED,
    RULE,
    condition_style,
    error_bar,
    new_figure,
    percent_axis,
    solver_handles,
    solver_lines,
)
from medsafetyworld.analysis.labels import attack_label, is_assisted
from medsafetyworld.analysis.questions import DECOMPOSITION, Side
from medsafetyworld.analysis.study import Study

TITLE = "Attack success by attack and condition"
COLUMNS = 3


def draw(study: Study) -> Figure | None:
    """Return panels of ASR with intervals, attacks from top to bottom, assisted ones and the decomposition ceiling below a line."""
    conditions = [c for c in study.outcomes.conditions if study.attacks(c)]
    attacks = [a for a in study.outcomes.attacks if any(study.has(c, attack=a) for c in conditions)]
    unassisted = [a for a in attacks if not is_assisted(a) and a != DECOMPOSITION]
    rows = [*unassisted, *(a for a in attacks if is_assisted(a)), *(a for a in attacks if a == DECOMPOSITION)]
    if not conditions or not rows:
        return None
    columns = min(COLUMNS, len(conditions))
    lines = math.ceil(len(conditions) / columns)
    figure = new_figure(2.6 + 2.15 * columns, 0.55 + lines * (0.75 + 0.235 * len(rows)))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, condition in zip(panels, conditions, strict=False):
        colour, marker = condition_style(condition, conditions)
        for place, attack in enumerate(rows):
            e = study.rate(Side(condition, attack=attack))
            if e.value is not None:
                error_bar(axes, e.value, place, e, colour=colour, marker=marker, along="x", filled=attack in unassisted)
        if len(unassisted) < len(rows):
            axes.axhline(len(unassisted) - 0.5, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        solver_lines(axes, {solver: study.solver_rate(condition, solver).value for solver in study.solvers}, along="x")
        axes.set_title(study.label(condition), color=INK)
        axes.set_yticks(range(len(rows)), [attack_label(a) for a in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        percent_axis(axes, "x")
        axes.hlines(range(len(rows)), 0, 1, color=RULE, linewidth=0.4, zorder=0)
        axes.tick_params(labelbottom=True)
    for axes in panels[len(conditions) :]:
        axes.set_visible(False)
    if study.solvers:
        figure.legend(handles=solver_handles(study.solvers), loc="outside upper left", ncols=4, columnspacing=1.4)
    figure.supxlabel("attack success rate, held-out unsafe outcomes, 95% interval", fontsize=9)
    return figure
