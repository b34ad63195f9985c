"""A networkx view of a world, for people: drawing, browsing, export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx

if TYPE_CHECKING:
    from medsafetyworld.world.world import World


def networkx_view(world: World) -> networkx.MultiDiGraph[int]:
    """Return the graph whose nodes are entity ids and whose edges are the causal edges.

    Nodes carry `kind`, `name`, `unsafe`, `hazard` ("" where none), `split` and `arm`. A pair edge is two edges with the same
    `relation` and `edge` (its row), each naming the other cause as `partner`.
    """
    from medsafetyworld.world.storage import edge_relations, entity_columns

    graph: networkx.MultiDiGraph[int] = networkx.MultiDiGraph(task=world.config.task, content_hash=world.content_hash)
    columns = entity_columns(world)
    for entity in columns.pop("id"):
        graph.add_node(entity, **{name: values[entity] for name, values in columns.items()})
    single, pair = edge_relations(world.config.task)
    for row, (cause, effect) in enumerate(world.single_edges.tolist()):
        graph.add_edge(cause, effect, relation=single, edge=row)
    for row, (first, second, effect) in enumerate(world.pair_edges.tolist()):
        graph.add_edge(first, effect, relation=pair, edge=row, partner=second)
        graph.add_edge(second, effect, relation=pair, edge=row, partner=first)
    return graph
