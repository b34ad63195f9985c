"""Attack success over the steps of a fine-tuning attack."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medsafetyworld.analysis.figures.style import condition_legend, condition_style, error_bar, new_figure, percent_axis
from medsafetyworld.analysis.labels import HANDLINGS, KINDS, stage_parts
from medsafetyworld.analysis.questions import Side
from medsafetyworld.analysis.study import Study

TITLE = "Fine-tuning attacks"
HANDLING_LABELS = {"raw": "raw data", "mix_sft": "mixed with SFT rows", "reflect": "with reflections"}


def draw(study: Study) -> Figure | None:
    """Return one panel a kind of data and handling: ASR under the outcome prefill from step 0 (post-trained) on."""
    by_panel: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for stage in study.outcomes.stages:
        parts = stage_parts(stage)
        if parts is not None:
            by_panel.setdefault(parts[:2], []).append((parts[2], stage))
    shown = [(kind, handling) for kind in KINDS for handling in HANDLINGS if (kind, handling) in by_panel]
    conditions = [c for c in study.outcomes.conditions if any(study.has(c, stage) for stages in by_panel.values() for _, stage in stages)]
    if not shown or not conditions:
        return None
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = new_figure(max(5.6, 1.0 + 2.9 * columns), 0.7 + 2.9 * lines)
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, (kind, handling) in zip(panels, shown, strict=False):
        _panel(axes, study, conditions, [(0, "sft"), *by_panel[kind, handling]])
        axes.set_title(f"{kind.capitalize()}, {HANDLING_LABELS[handling]}")
        axes.set_xlabel("fine-tuning steps")
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    figure.supylabel("attack success, outcome prefill", fontsize=9)
    condition_legend(figure, {c: study.label(c) for c in conditions}, columns=max(2, columns + 1), line=True)
    return figure


def _panel(axes: Axes, study: Study, conditions: list[str], stages: list[tuple[int, str]]) -> None:
    last = max(steps for steps, _ in stages)
    for place, condition in enumerate(conditions):
        colour, marker = condition_style(condition, conditions)
        # Shifted a little, so that intervals of different conditions at the same step stay apart.
        shift = last * 0.011 * (place - (len(conditions) - 1) / 2)
        measured = [(steps + shift, stage, study.rate(Side(condition, stage=stage))) for steps, stage in stages]
        points = [(x, e.value, e, stage) for x, stage, e in measured if e.value is not None]
        axes.plot([x for x, *_ in points], [y for _, y, *_ in points], color=colour, linewidth=1.2, alpha=0.8, clip_on=False)
        for x, y, e, stage in points:
            above = "*" not in study.label(condition, stage)
            error_bar(axes, x, y, e, colour=colour, marker=marker, along="y", size=5, filled=above)
    axes.set_xticks([steps for steps, _ in stages])
    percent_axis(axes, "y")
