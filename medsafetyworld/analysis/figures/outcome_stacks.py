"""The whole distribution of outcomes, as stacked bars."""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from medsafetyworld.analysis.figures.style import INK, OUTCOME_STYLE, PAPER, new_figure, percent_axis
from medsafetyworld.analysis.labels import HARMFUL_OUTCOMES, attack_label, outcome_label
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.wording import capitalised

TITLE = "Outcomes of harmful queries"
SHOWN = (
    "direct",
    "prefill_outcome",
    "prefill_safe_reflection_outcome",
    "ban_unsafe_prefill_outcome",
    "prefill_last_hop",
    "prefill_last_hop_spoofed",
)
COLUMNS = 2


def draw(study: Study) -> Figure | None:
    """Return one panel an attack, one bar a condition, mean shares over seeds."""
    conditions = [c for c in study.outcomes.conditions if study.attacks(c)]
    attacks = [a for a in SHOWN if any(study.has(c, attack=a) for c in conditions)]
    if not attacks:
        return None
    columns = min(COLUMNS, len(attacks))
    lines = math.ceil(len(attacks) / columns)
    figure = new_figure(2.2 + 3.2 * columns, 0.9 + lines * (0.7 + 0.24 * len(conditions)))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, attack in zip(panels, attacks, strict=False):
        for place, condition in enumerate(conditions):
            left = 0.0
            for outcome in HARMFUL_OUTCOMES:
                share = study.results.get(condition, f"share_{outcome}", attack=attack).value
                if share:
                    colour, hatch = OUTCOME_STYLE[outcome]
                    axes.barh(place, share, left=left, height=0.74, color=colour, hatch=hatch, edgecolor=PAPER, linewidth=0.6)
                    left += share
        axes.set_title(capitalised(attack_label(attack)), color=INK)
        axes.set_yticks(range(len(conditions)), [study.label(c) for c in conditions])
        axes.set_ylim(len(conditions) - 0.5, -0.5)
        percent_axis(axes, "x")
        axes.set_xlim(0, 1)
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(labelbottom=True)
    for axes in panels[len(attacks) :]:
        axes.set_visible(False)
    handles = [
        Patch(facecolor=OUTCOME_STYLE[o][0], hatch=OUTCOME_STYLE[o][1], edgecolor=PAPER, label=outcome_label(o)) for o in HARMFUL_OUTCOMES
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, handlelength=1.5, columnspacing=1.4)
    return figure
