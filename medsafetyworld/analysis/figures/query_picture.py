"""A picture of a query's certificate: its neighbourhood, what a corpus writes of it in which direction, open routes and the minimal cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnnotationBbox, HPacker, TextArea
from matplotlib.patches import FancyArrowPatch

from medsafetyworld.analysis.figures.style import INK, MUTED, PAPER, new_figure
from medsafetyworld.analysis.figures.world_picture import PLAIN, SAFE_COLOUR, UNSAFE_COLOUR
from medsafetyworld.analysis.neighbourhood import Link, Neighbourhood, neighbourhood
from medsafetyworld.corpus.certificate import Certificate
from medsafetyworld.corpus.dialogue import is_reverse, prompt_text
from medsafetyworld.world import Query, World

Point = tuple[float, float]

STATED, ALONE, TOGETHER, ASKED, BACK = "#b2410a", "#aa4499", "#e69f00", "#0072b2", "#009e73"
"""Colours of what states an answer, tells it alone or names it together, and of local facts in the query's direction and against it."""
CLOSED = "#b4b9c0"
CUT = "#d1001f"
GLYPHS = {"forward": "→", "reverse": "←", "cooccurrence": "↔"}
HEADS = {"compound": "compounds", "mediator": "mediators", "outcome": "outcome"}
STEP, ONLY_STEP = 2.6, 4.2
"""Inches between layers, where there are several steps and where there is one."""
ROW = 0.85
"""Inches between entities of a layer."""


def draw(world: World, query: Query, certificate: Certificate, condition: str) -> Figure:
    """Return the picture: compounds on the left, outcomes on the right, an arrow for each direction in which a link is written.

    Counts stand on the links; what is not written is grey and dashed. At most `neighbourhood.MOST_CHAINS` chains are shown.
    """
    near = neighbourhood(world, query, certificate)
    place = positions(near)
    top, bottom = max(y for _, y in place.values()), min(y for _, y in place.values())
    figure = new_figure(_step(near) * (len(near.layers) - 1) + 4.4, 3.0 + top - bottom)
    axes = figure.subplots()
    met, step, layers = joints(near, place), _step(near), len(near.layers)
    for link in near.links:
        _draw_link(axes, link, place, met.get(link), link.whole and layers > 2, is_reverse(query))
    for layer, entities in enumerate(near.layers):
        axes.text(step * layer, top + 0.5, _head(world, near.layers, layer), ha="center", va="bottom", fontweight="bold")
        for entity in entities:
            _draw_entity(axes, world, entity, place[entity], _side(near, place, entity, layer))
    axes.set_xlim(-1.75, step * (layers - 1) + 2.15)
    axes.set_ylim(bottom - 0.5, top + 0.75)
    axes.set_axis_off()
    figure.suptitle(_title(world, query, certificate, condition, near), x=0.01, ha="left", fontsize=9.5, linespacing=1.45)
    legend = figure.legend(
        handles=_legend(world, query, certificate),
        loc="outside lower left",
        ncols=2,
        columnspacing=2.0,
        handlelength=2.6,
        labelspacing=0.45,
    )
    for text in legend.get_texts():
        if text.get_text().endswith(("closed", ": none")):
            text.set_color(MUTED)
    return figure


def positions(near: Neighbourhood) -> dict[int, Point]:
    """Return where entities stand, in inches: a column a layer, ordered so that few links cross, each entity near what it is linked to."""
    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_edges_from((cause, link.effect) for link in near.links for cause in link.causes)
    columns = [list(layer) for layer in near.layers]
    height = {entity: row / len(column) for column in columns for row, entity in enumerate(column)}
    for _ in range(12):
        for sweep in (columns, columns[::-1]):
            for column in sweep:
                column.sort(key=lambda entity: float(np.mean([height[other] for other in graph.neighbors(entity)])))
                height.update({entity: row / len(column) for row, entity in enumerate(column)})
    # The longest column sets the scale; the others follow from it outwards, at the mean height of what they are linked to.
    longest = max(range(len(columns)), key=lambda layer: len(columns[layer]))
    depth = {entity: ROW * row for row, entity in enumerate(columns[longest])}
    for layer in sorted(range(len(columns)), key=lambda layer: abs(layer - longest))[1:]:
        means = [
            float(np.mean([depth[other] for other in graph.neighbors(entity) if other in depth] or [0.0])) for entity in columns[layer]
        ]
        order = sorted(range(len(means)), key=means.__getitem__)
        depth.update(zip([columns[layer][number] for number in order], apart([means[number] for number in order], ROW), strict=True))
    return {entity: (_step(near) * layer, -depth[entity]) for layer, column in enumerate(columns) for entity in column}


def apart(values: list[float], gap: float) -> list[float]:
    """Return ascending values moved apart to at least `gap`, with the same mean."""
    moved: list[float] = []
    for value in values:
        moved.append(value if not moved else max(value, moved[-1] + gap))
    shift = (sum(values) - sum(moved)) / max(len(moved), 1)
    return [value + shift for value in moved]


def joints(near: Neighbourhood, place: dict[int, Point]) -> dict[Link, Point]:
    """Return where the causes of a link meet: next to the causes, those of whole chains apart from each other."""
    found: dict[Link, Point] = {}
    for whole in (True, False):
        met = [link for link in near.links if link.whole == whole and len(link.causes) > 1]
        height = {link: float(np.mean([place[cause][1] for cause in link.causes])) for link in met}
        met.sort(key=height.__getitem__)
        for link, y in zip(met, apart([height[link] for link in met], 0.3), strict=True):
            found[link] = place[link.causes[0]][0] + 0.3 * STEP, y
    return found


def _step(near: Neighbourhood) -> float:
    return ONLY_STEP if len(near.layers) == 2 else STEP


def _colour(link: Link, direction: str, reverse: bool) -> str:
    if not link.written[direction]:
        return CLOSED
    asked = direction == ("reverse" if reverse else "forward")
    if link.whole:
        return STATED if asked else TOGETHER if direction == "cooccurrence" else ALONE
    return ASKED if asked else BACK


def _draw_link(axes: Axes, link: Link, place: dict[int, Point], joint: Point | None, long: bool, reverse: bool) -> None:
    """Draw a link: an arrow for each direction between its cause, or the joint of its causes, and its effect, with the counts on it.

    A `long` one passes over the mediators: it is bent, so that it stays clear of the links that it runs beside.
    """
    start, end = joint or place[link.causes[0]], place[link.effect]
    if joint is not None:
        written = any(link.written.values())
        colour, line = (MUTED, "-") if written else (CLOSED, "--")
        for cause in link.causes:
            axes.plot(*zip(place[cause], joint, strict=True), color=colour, linestyle=line, linewidth=1.0, zorder=1)
        axes.plot(*joint, marker="D" if link.whole else "o", markersize=5, color=colour, zorder=3)
    width, rise = end[0] - start[0], end[1] - start[1]
    bend = 0.44 / width if long else 0.0
    for number, direction in enumerate(link.written):
        tail, head = (end, start) if direction == "reverse" else (start, end)
        count = link.written[direction]
        lean = bend + min(0.04, 0.18 / width) * (2 * number - len(link.written) + 1)
        axes.add_patch(
            FancyArrowPatch(
                tail,
                head,
                arrowstyle="-|>" if direction != "cooccurrence" else "-",
                connectionstyle=f"arc3,rad={-lean if direction == 'reverse' else lean}",
                mutation_scale=11,
                shrinkA=3 if tail == joint else 9,
                shrinkB=3 if head == joint else 9,
                color=_colour(link, direction, reverse),
                linewidth=1.0 + 0.25 * np.log2(1 + count) if count else 0.9,
                linestyle="-" if count else (0, (4, 3)),
                zorder=2 if count else 1,
            )
        )
    # Counts stand where links to one effect are still apart. A curve of arc3 lies 2 t (1 - t) of its bend off the straight line.
    along = 0.4 * STEP / width if long else (0.15 if joint else 0.68) if link.whole else 0.45 if joint else 0.5
    sag = 2 * along * (1 - along) * bend
    above = 0.2 if joint and not link.whole else 0.0  # the arrow of a pair is short: its counts would cover it
    _draw_counts(axes, link, (start[0] + along * width + sag * rise, start[1] + along * rise - sag * width + above), reverse)


def _draw_counts(axes: Axes, link: Link, at: Point, reverse: bool) -> None:
    pieces: list[Artist] = []
    for direction, count in link.written.items():
        closed = " withheld" if not count and direction in link.withheld else ""
        words = f"{GLYPHS[direction]} {count:,}{closed}"
        colour = _colour(link, direction, reverse)
        pieces.append(TextArea(words, textprops={"color": MUTED if colour == CLOSED else colour, "fontsize": 8.5, "fontweight": "bold"}))
    gone = sum(link.cut.values())
    if gone:
        pieces.append(TextArea(f"✂ {gone:,}", textprops={"color": CUT, "fontsize": 9, "fontweight": "bold"}))
    box = {"facecolor": PAPER, "edgecolor": CUT if gone else "none", "linewidth": 1.4, "boxstyle": "round,pad=0.12"}
    axes.add_artist(AnnotationBbox(HPacker(children=pieces, pad=1, sep=5), at, pad=0.18, bboxprops=box, zorder=5))


def _side(near: Neighbourhood, place: dict[int, Point], entity: int, layer: int) -> str:
    """Return where an entity's name stands: outside of the first and the last layer; in between above, or below in the lower half."""
    if layer in (0, len(near.layers) - 1):
        return "left" if layer == 0 else "right"
    middle = np.mean([place[other][1] for other in near.layers[layer]])
    return "below" if place[entity][1] < middle - 0.01 else "above"


def _draw_entity(axes: Axes, world: World, entity: int, at: Point, side: str) -> None:
    outcome = entity in world.outcomes
    unsafe, heldout = bool(world.unsafe[entity]), bool(world.heldout[entity])
    axes.plot(
        *at,
        marker="s" if unsafe else "o",
        markersize=12,
        color=PLAIN if not outcome else UNSAFE_COLOUR if unsafe else SAFE_COLOUR,
        markeredgecolor=INK if heldout else MUTED,
        markeredgewidth=2.2 if heldout else 0.8,
        zorder=4,
    )
    name = str(world.names[entity])
    if outcome:
        name = "\n".join([*name.split(), f"(unsafe: {world.hazard_names[world.hazard[entity]]})" if unsafe else "(safe)"])
    offset, horizontal = {
        "left": ((-12, 0), "right"),
        "right": ((13, 0), "left"),
        "above": ((0, 15), "center"),
        "below": ((0, -16), "center"),
    }[side]
    box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.9, "pad": 0.8}
    axes.annotate(name, at, xytext=offset, textcoords="offset points", ha=horizontal, va="center", color=INK, bbox=box, zorder=6)


def _head(world: World, layers: Sequence[Sequence[int]], layer: int) -> str:
    kind = "compound" if layer == 0 else "outcome" if layer == len(layers) - 1 else "mediator"
    return HEADS[kind] + (f" {layer}" if kind == "mediator" and len(layers) > 3 else "")


def _title(world: World, query: Query, certificate: Certificate, condition: str, near: Neighbourhood) -> str:
    arm = f", arm {query.arm}" if query.arm else ""
    head = f"Query {query.query_id} ({query.category}, {'held out' if query.split == 'heldout' else query.split}{arm}) on {condition}"
    shown = "" if near.shown == near.chains else f"   ({near.shown} of {near.chains} chains shown)"
    return f"{head}: {'' if certificate.derivable else 'not '}derivable{shown}\n{prompt_text(world, query, query.template)}"


def _legend(world: World, query: Query, certificate: Certificate) -> list[Line2D]:
    reverse = is_reverse(query)
    asked, back = ("←", "→") if reverse else ("→", "←")
    rows = [("stated", STATED, f"answer stated ({asked} of a whole chain)", certificate.stated > 0)]
    rows.append(("reversal", ALONE, f"reversal ({back} of a whole chain, read backwards)", "reversal" in certificate.routes))
    if len(world.mediators):
        rows.append(("composition", ASKED, f"composition ({asked} of every step)", "composition" in certificate.routes))
        rows.append(("mixed", BACK, f"mixed (every step, some {back} read backwards)", "mixed" in certificate.routes))
    else:
        rows.append(("cooccurrence", TOGETHER, "co-occurrence (↔: named together)", "cooccurrence" in certificate.routes))
    handles = []
    for name, colour, words, is_open in rows:
        state = (f"{certificate.stated:,} times" if is_open else "none") if name == "stated" else "open" if is_open else "closed"
        line: dict[str, Any] = {"color": colour, "linewidth": 2.2} if is_open else {"color": CLOSED, "linewidth": 1.2, "linestyle": "--"}
        handles.append(Line2D([], [], label=f"{words}: {state}", **line))
    cut = (
        f"minimal cut: {len(certificate.cut):,} facts, {certificate.cut_cost:,} statements"
        if certificate.cut
        else "minimal cut: nothing to cut"
    )
    handles.append(Line2D([], [], color=CUT, marker="$✂$", markersize=10, linestyle="none", label=cut))
    handles.append(Line2D([], [], color=CLOSED, linewidth=1.2, linestyle="--", label="not written; withheld: by the query's arm"))
    return handles
