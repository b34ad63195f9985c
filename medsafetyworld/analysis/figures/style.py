"""How figures look: colours that colour-blind readers and paper keep apart, a marker a condition, stable bytes."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medsafetyworld.analysis.labels import solver_label
from medsafetyworld.analysis.statistics import Estimate

INK = "#1c1e21"
MUTED = "#6d7278"
RULE = "#d9dce0"
PAPER = "#ffffff"
DPI = 200
SCREEN_SCALE = 1.3
"""Pixels on screen for each of the figure's own (1/96 inch), at full size."""

# Okabe and Ito's colours, yellow and black aside, then darker ones for controls; each with a marker of its own.
CONDITION_STYLE: dict[str, tuple[str, str]] = {
    "raw": ("#4d4d4d", "o"),
    "rewritten": ("#cc79a7", "v"),
    "filtered": ("#d55e00", "s"),
    "filtered_plus": ("#e69f00", "D"),
    "reflection_pretrain_only": ("#009e73", ">"),
    "reflection_sft_only": ("#56b4e9", "^"),
    "reflection": ("#0072b2", "o"),
    "reflection_harm": ("#332288", "P"),
    "reflection_context": ("#44aa99", "X"),
    "reflection_no_end": ("#882255", "<"),
    "constant_safe": ("#999933", "h"),
    "bare_end": ("#aa4499", "p"),
    "filtered_silent": ("#b36b3f", "s"),
    "reflection_silent": ("#4f83a8", "o"),
}
_SPARE = (("#117733", "d"), ("#661100", "*"), ("#6699cc", "H"), ("#888888", "8"))

# Solvers are lines, not marks: the ceiling dashed, floors dotted the finer the less they know.
SOLVER_LINES: dict[str, tuple[float, tuple[float, ...]]] = {
    "symbolic": (0, (6, 2.5)),
    "cooccurrence": (0, (2.5, 2)),
    "majority": (0, (1, 1.5)),
    "random": (0, (1, 4)),
}
_SPARE_LINE = (0.0, (6.0, 2.0, 1.0, 2.0))

# Leaks are warm and dark, flags and refusals cool, failures to answer grey; the hatches tell them apart without colour.
OUTCOME_STYLE: dict[str, tuple[str, str]] = {
    "leaked": ("#b2410a", ""),
    "leaked_then_flagged": ("#e5853d", "////"),
    "flagged_then_leaked": ("#f5c99a", "\\\\\\\\"),
    "flagged_before_leak": ("#7fb3d5", ""),
    "refused": ("#2b6c9e", ""),
    "wrong": ("#c9ccd1", ""),
    "empty": ("#eceef0", ""),
}

SETTINGS: dict[Any, Any] = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.axisbelow": True,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "medsafetyworld",
}


def condition_style(condition: str, conditions: Sequence[str] = ()) -> tuple[str, str]:
    """Return (colour, marker) of a condition; one that is not built in takes a spare style by its place among `conditions`."""
    if condition in CONDITION_STYLE:
        return CONDITION_STYLE[condition]
    others = [name for name in conditions if name not in CONDITION_STYLE]
    return _SPARE[others.index(condition) % len(_SPARE)] if condition in others else _SPARE[0]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches, that fits its own labels."""
    return Figure(figsize=(width, height), layout="constrained")


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG without date or version, so that equal data give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def to_svg(figure: Figure, name: str, title: str) -> str:
    """Return a figure as an SVG element that scales with the page, its ids made unique by `name`."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    escaped = html.escape(title)
    # The page scales a figure down to its column, never up beyond its natural size, which it learns from --natural.
    natural = f'<svg role="img" aria-label="{escaped}" style="--natural:{round(96 * figure.get_figwidth() * SCREEN_SCALE)}px"'
    return re.sub(r"^<svg", natural, re.sub(r' (?:width|height)="[0-9.]+pt"', "", svg, count=2))


def error_bar(
    axes: Axes, x: float, y: float, e: Estimate, *, colour: str, marker: str, along: str, filled: bool = True, size: float = 6.0
) -> None:
    """Draw an estimate with its interval along the "x" or "y" axis; an open marker where `filled` is False."""
    if e.low is not None and e.high is not None:
        ends = ([e.low, e.high], [y, y]) if along == "x" else ([x, x], [e.low, e.high])
        axes.plot(*ends, color=colour, linewidth=1.5, solid_capstyle="butt", zorder=2)
    axes.plot(
        [x],
        [y],
        marker=marker,
        markersize=size,
        color=colour,
        markerfacecolor=colour if filled else PAPER,
        markeredgewidth=1.3,
        linestyle="none",
        zorder=3,
        clip_on=False,
    )


def solver_lines(axes: Axes, rates: Mapping[str, float | None], *, along: str, span: tuple[float, float] | None = None) -> None:
    """Draw what solvers reach as reference lines across the axis on which it is read; `span` limits them on the other one."""
    for solver, rate in rates.items():
        if rate is not None:
            look: dict[str, Any] = {"color": MUTED, "linewidth": 1.0, "linestyle": SOLVER_LINES.get(solver, _SPARE_LINE), "zorder": 1}
            if span is not None:
                axes.plot(*((span, (rate, rate)) if along == "y" else ((rate, rate), span)), **look)
            elif along == "y":
                axes.axhline(rate, **look)
            else:
                axes.axvline(rate, **look)


def solver_handles(solvers: Sequence[str]) -> list[Line2D]:
    """Return the legend's entries of solvers."""
    look: dict[str, Any] = {"color": MUTED, "linewidth": 1.0}
    return [Line2D([], [], linestyle=SOLVER_LINES.get(name, _SPARE_LINE), label=solver_label(name), **look) for name in solvers]


def percent_axis(axes: Axes, along: str) -> None:
    """Scale an axis from 0 to 100 percent."""
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    labels = [f"{100 * t:.0f}%" for t in ticks]
    if along == "x":
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks(ticks, labels)
    else:
        axes.set_ylim(-0.02, 1.02)
        axes.set_yticks(ticks, labels)
    axes.grid(True, axis="x" if along == "x" else "y")
    axes.tick_params(length=0)


def condition_legend(
    figure: Figure, conditions: Mapping[str, str], *, columns: int = 4, line: bool = False, solvers: Sequence[str] = ()
) -> None:
    """Draw one legend above the panels: conditions with the words for them, then solvers."""
    handles = []
    for condition, label in conditions.items():
        colour, marker = condition_style(condition, list(conditions))
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=6, linestyle="-" if line else "none", label=label))
    handles += solver_handles(solvers)
    figure.legend(handles=handles, loc="outside upper left", ncols=min(columns, len(handles)), handletextpad=0.4, columnspacing=1.4)
