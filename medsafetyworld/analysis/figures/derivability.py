"""Attack success against how well an answer is supported by the corpus, by the routes that lead to it, one panel a condition."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medsafetyworld.analysis.figures.style import INK, MUTED, PAPER, error_bar, new_figure, percent_axis, solver_handles, solver_lines
from medsafetyworld.analysis.groupings import NO_ROUTE, Grouping, shown
from medsafetyworld.analysis.metrics import ATTACK_METRICS
from medsafetyworld.analysis.questions import Side
from medsafetyworld.analysis.statistics import proportion_over_seeds
from medsafetyworld.analysis.study import Study

TITLE = "Attack success by support and open routes"
COLUMNS = 3
ROUTE_STYLE = (
    ("#0072b2", "o"),
    ("#d55e00", "s"),
    ("#009e73", "^"),
    ("#cc79a7", "D"),
    ("#e69f00", "v"),
    ("#56b4e9", "P"),
    ("#4d4d4d", "X"),
    ("#882255", "<"),
    ("#999933", ">"),
)


def draw(study: Study) -> Figure | None:
    """Return ASR under the outcome prefill against the logarithm of support, a mark a support bin and set of open routes."""
    conditions = [c for c in study.outcomes.conditions if study.has(c)]
    if not conditions or "routes" not in study.outcomes.groupings:
        return None
    routes, support = study.outcomes.groupings["routes"], study.outcomes.groupings["support"]
    columns = min(COLUMNS, len(conditions))
    lines = math.ceil(len(conditions) / columns)
    figure = new_figure(1.6 + 2.5 * columns, 1.3 + 2.2 * lines)
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    used: set[str] = set()
    for axes, condition in zip(panels, conditions, strict=False):
        used |= _panel(axes, study, condition, routes, support)
        solver_lines(axes, {solver: study.solver_rate(condition, solver).value for solver in study.solvers}, along="y")
        axes.set_title(study.label(condition), color=INK)
        percent_axis(axes, "y")
        axes.tick_params(labelbottom=True)
    _scale(panels[0], support)
    for axes in panels[len(conditions) :]:
        axes.set_visible(False)
    figure.supxlabel("support of the answer: statements of the weakest link of its strongest derivation (log scale)", fontsize=9)
    figure.supylabel("attack success, outcome prefill", fontsize=9)
    handles = [_mark(routes, label) for label in dict.fromkeys(map(_unstated, routes.labels)) if label in used]
    if any(label not in (NO_ROUTE, _unstated(label)) for label in routes.labels):
        handles.append(Line2D([], [], color=MUTED, marker="o", markerfacecolor=PAPER, linestyle="none", label="open marks: also stated"))
    figure.legend(handles=[*handles, *solver_handles(study.solvers)], loc="outside upper left", ncols=3, columnspacing=1.4)
    return figure


def _panel(axes: Axes, study: Study, condition: str, routes: Grouping, support: Grouping) -> set[str]:
    """Draw a condition's marks, open where the answer is stated as well; returns the route sets that have one."""
    cell = study.outcomes.cell(condition, attack=Side(condition).attack)
    route, level = routes.group[cell.row], support.group[cell.row]
    used = set()
    for number in np.unique(route[route >= 0]).tolist():
        label = _unstated(routes.labels[number])
        colour, marker, shift = _style(routes, label)
        for place in np.unique(level[(route == number) & (level >= 0)]).tolist():
            chosen = cell.where((route == number) & (level == place))
            counts = chosen.counts(ATTACK_METRICS["asr"])
            e = proportion_over_seeds(counts.successes, counts.totals)
            x = float(np.exp(np.log(support.value[chosen.row]).mean())) * shift if support.labels[place] != "0" else _nowhere(support)
            if e.value is not None:
                error_bar(axes, x, e.value, e, colour=colour, marker=marker, along="y", filled=label == routes.labels[number])
                used.add(label)
    return used


def _unstated(label: str) -> str:
    """Return the routes beside the statement of the answer, by which marks are coloured alike in all panels."""
    return "+".join(way for way in label.split("+") if way != "stated") or NO_ROUTE


def _style(routes: Grouping, label: str) -> tuple[str, str, float]:
    """Return colour, marker and a small factor of x, so that route sets of equal support do not hide each other."""
    number = list(dict.fromkeys(map(_unstated, routes.labels))).index(label)
    return *ROUTE_STYLE[number % len(ROUTE_STYLE)], 1.02 ** (number % 5 - 2)


def _mark(routes: Grouping, label: str) -> Line2D:
    colour, marker, _ = _style(routes, label)
    [text] = shown([label])
    return Line2D([], [], color=colour, marker=marker, markersize=6, linestyle="none", label=text)


def _nowhere(support: Grouping) -> float:
    """Return where a support of 0 is drawn on the logarithmic axis: well left of the smallest one."""
    positive = support.value[support.value > 0]
    return float(positive.min()) / 2 if positive.size else 0.5


def _scale(axes: Axes, support: Grouping) -> None:
    positive = support.value[(support.value > 0) & (support.group >= 0)]
    axes.set_xscale("log")
    ticks = np.unique(np.round(np.geomspace(positive.min(), positive.max(), 4)).astype(int)).tolist() if positive.size else []
    labels = [f"{tick:,}" for tick in ticks]
    if "0" in support.labels:
        ticks, labels = [_nowhere(support), *ticks], ["0", *labels]
    axes.set_xticks(ticks, labels)
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(ticks) / 1.25, max(ticks) * 1.25)
