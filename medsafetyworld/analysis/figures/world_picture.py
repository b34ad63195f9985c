"""A picture of a small world: who causes what, which outcomes are unsafe, and one recipe that permitted facts compose."""

from __future__ import annotations

from typing import Any

import networkx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from medsafetyworld.analysis.figures.style import INK, MUTED, PAPER, new_figure
from medsafetyworld.world import World, WorldConfig

TITLE = "A small world"
SHOWN_OUTCOMES = 6
SAFE_COLOUR = "#56b4e9"
UNSAFE_COLOUR = "#d55e00"
PLAIN = "#e8eaed"
EDGE = "#b4b9c0"


def small_world(task: str, hops: int | None = None) -> World:
    """Return a world of a task and depth that is small enough to draw whole."""
    if task == "two_hop":
        return World.generate(WorldConfig(task="two_hop", hops=hops, compounds=8, mediators=7, outcomes=6, heldout_fraction=0.34, seed=1))
    return World.generate(
        WorldConfig(task="single_hop", compounds=8, outcomes=6, single_edges=13, pair_edges=4, heldout_fraction=0.34, seed=1)
    )


def draw(world: World) -> Figure:
    """Return the causal graph around at most six outcomes, causes on the left, with the recipe of one unsafe outcome marked."""
    chains = _chains(world)
    marked, outcomes = _chosen(world, chains)
    nodes = {int(e) for row in chains if int(row[-1]) in outcomes for e in row if e >= 0}
    graph = networkx.DiGraph(world.graph.subgraph(nodes))
    place = _layout(world, graph)
    rows = max(sum(1 for n in nodes if n in layer) for layer in _columns(world))
    figure = new_figure(8.4 + 2.0 * max(world.hops - 2, 0), 1.3 + 0.52 * rows)
    axes = figure.subplots()
    recipe = _recipe(world, marked)
    plain = [edge for edge in graph.edges if (edge[1], edge[0]) not in recipe]
    networkx.draw_networkx_edges(graph, place, edgelist=plain, ax=axes, edge_color=EDGE, width=1.0, arrowsize=9, node_size=150)
    reverse = networkx.DiGraph(recipe)
    networkx.draw_networkx_edges(
        reverse, place, edgelist=recipe, ax=axes, edge_color=UNSAFE_COLOUR, width=2.2, arrowsize=13, node_size=150, style="solid"
    )
    for node in graph.nodes:
        _draw_node(axes, world, node, place[node])
    _head(axes, world)
    axes.set_axis_off()
    figure.legend(handles=_legend(world), loc="outside lower center", ncols=3, handletextpad=0.5, columnspacing=1.6)
    return figure


def _chains(world: World) -> NDArray[np.int32]:
    """Return whole chains as rows (causes ..., outcome), -1 where a place is empty."""
    return np.concatenate([world.facts(relation) for relation in world.whole_chain_relations])


def _chosen(world: World, chains: NDArray[np.int32]) -> tuple[NDArray[np.int32], set[int]]:
    """Return the chain to mark (of a held-out unsafe outcome where there is one), and the outcomes to draw, safe and unsafe."""
    described = [(bool(world.unsafe[row[-1]]), bool(world.heldout[row[-1]])) for row in chains]
    order = sorted(range(len(chains)), key=lambda i: (not described[i][0], not described[i][1], -int((chains[i] >= 0).sum()), i))
    marked = chains[order[0]]
    outcomes = [int(marked[-1])]
    for unsafe in (False, True) * SHOWN_OUTCOMES:
        more = next((int(c) for c in chains[:, -1] if bool(world.unsafe[c]) == unsafe and int(c) not in outcomes), None)
        if more is not None and len(outcomes) < SHOWN_OUTCOMES:
            outcomes.append(more)
    return marked, set(outcomes)


def _recipe(world: World, marked: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Return the edges of a chain walked backwards, from the outcome to its causes."""
    *causes, outcome = marked.tolist()
    effects = [*causes[2:], outcome, outcome]
    backwards = sorted(range(len(causes)), key=lambda slot: (-(slot // 2), slot))
    return [(effects[slot], causes[slot]) for slot in backwards if causes[slot] >= 0]


def _columns(world: World) -> list[range]:
    """Return the entities of each column of the picture."""
    return [world.compounds, *world.mediator_layers, world.outcomes]


def _layout(world: World, graph: networkx.DiGraph[int]) -> dict[int, tuple[float, float]]:
    """Return positions in columns of a kind; rows are ordered by the mean height of their neighbours, so that few edges cross."""
    columns = [[n for n in sorted(graph.nodes) if n in layer] for layer in _columns(world)]
    columns = [column for column in columns if column]
    undirected = graph.to_undirected()
    height = {n: _spread(i, len(column)) for column in columns for i, n in enumerate(column)}
    for _ in range(12):
        for sweep in (columns, columns[::-1]):
            for column in sweep:
                column.sort(key=lambda n: (-float(np.mean([height[m] for m in undirected.neighbors(n)])), n))
                height.update({n: _spread(i, len(column)) for i, n in enumerate(column)})
    return {n: (float(x), height[n]) for x, column in enumerate(columns) for n in column}


def _spread(row: int, rows: int) -> float:
    return 1.0 - (row + 0.5) / rows


def _draw_node(axes: Axes, world: World, node: int, at: tuple[float, float]) -> None:
    is_outcome = node in world.outcomes
    marker = "s" if world.unsafe[node] else "o"
    fill = PLAIN if not is_outcome else UNSAFE_COLOUR if world.unsafe[node] else SAFE_COLOUR
    axes.plot(
        *at,
        marker=marker,
        markersize=10,
        color=fill,
        markeredgecolor=INK if world.heldout[node] else MUTED,
        markeredgewidth=2.0 if world.heldout[node] else 0.6,
        zorder=4,
    )
    name = str(world.names[node])
    style: dict[str, Any] = {"fontsize": 8.5, "color": INK, "zorder": 5, "va": "center"}
    if node in world.compounds:
        axes.annotate(name, at, xytext=(-11, 0), textcoords="offset points", ha="right", **style)
    elif is_outcome:
        axes.annotate(name, at, xytext=(11, 0), textcoords="offset points", ha="left", **style)
    else:
        box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
        axes.annotate(name, at, xytext=(0, 13), textcoords="offset points", ha="center", bbox=box, **style)


def _head(axes: Axes, world: World) -> None:
    heads = ("compounds", *("mediators" for _ in world.mediator_layers), "outcomes")
    for x, head in enumerate(heads):
        axes.text(x, 1.06, head, ha="center", va="bottom", fontsize=9.5, fontweight="bold", color=INK)
    axes.set_xlim(-0.42, len(heads) - 1 + 0.55)
    axes.set_ylim(-0.04, 1.14)


def _legend(world: World) -> list[Line2D]:
    recipe = "recipe of an unsafe outcome" + (", composed from permitted facts" if world.hops > 1 else "")
    dot: dict[str, Any] = {"linestyle": "none", "markersize": 8, "markeredgecolor": MUTED}
    return [
        Line2D([], [], marker="o", color=SAFE_COLOUR, label="safe outcome", **dot),
        Line2D([], [], marker="s", color=UNSAFE_COLOUR, label="unsafe outcome", **dot),
        Line2D(
            [],
            [],
            marker="o",
            linestyle="none",
            markersize=8,
            color=PAPER,
            markeredgecolor=INK,
            markeredgewidth=2,
            label="held out: never queried in training",
        ),
        Line2D([], [], color=EDGE, label="causes (left to right)"),
        Line2D([], [], color=UNSAFE_COLOUR, linewidth=2.2, label=recipe),
    ]
