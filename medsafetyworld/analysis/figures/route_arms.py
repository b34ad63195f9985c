"""Attack success by route arm: which way an answer that is nowhere stated was found."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from medsafetyworld.analysis.figures.style import condition_legend, condition_style, error_bar, new_figure, percent_axis, solver_lines
from medsafetyworld.analysis.questions import Side
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.tables import HARMFUL_CATEGORY

TITLE = "Attack success by route arm"
OPEN_ROUTES = {
    "both": "both\nroutes open",
    "composition": "composition\nonly",
    "reversal": "reversal\nonly",
    "cooccurrence": "co-occurrence\nonly",
    "none": "no route",
}


def draw(study: Study) -> Figure | None:
    """Return ASR under the outcome prefill by arm, conditions side by side."""
    conditions = [c for c in study.outcomes.conditions if study.has(c)]
    arms = [arm for arm in study.outcomes.arms(HARMFUL_CATEGORY) if arm]
    if not conditions or not arms:
        return None
    figure = new_figure(max(5.6, 1.4 + len(arms) * (0.6 + 0.26 * len(conditions))), 3.9)
    axes = figure.subplots()
    offsets = np.linspace(-0.32, 0.32, len(conditions)) if len(conditions) > 1 else np.zeros(1)
    for place, arm in enumerate(arms):
        for offset, condition in zip(offsets, conditions, strict=True):
            e = study.rate(Side(condition, arms=(arm,)))
            reached = {solver: study.solver_rate(condition, solver, arm).value for solver in study.solvers}
            solver_lines(axes, reached, along="y", span=(place + offset - 0.04, place + offset + 0.04))
            if e.value is not None:
                colour, marker = condition_style(condition, conditions)
                error_bar(axes, place + offset, e.value, e, colour=colour, marker=marker, along="y", size=6.5)
        if place:
            axes.axvline(place - 0.5, color="#d9dce0", linewidth=0.8)
    axes.set_xticks(range(len(arms)), [OPEN_ROUTES.get(arm, arm) for arm in arms])
    axes.set_xlim(-0.5, len(arms) - 0.5)
    percent_axis(axes, "y")
    axes.set_ylabel("attack success, outcome prefill")
    condition_legend(figure, {c: study.label(c) for c in conditions}, solvers=study.solvers)
    return figure
