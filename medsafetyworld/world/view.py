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
    from medsafetyworld.world.storage import entity_columns, edge_relations

    graph: networkx.MultiDiGraph[int] = networkx.MultiDiGraph(task=world.config.task, content_hash=world.content_hash)
    columns = entity_columns(world)
    fields = [name for name in columns if name != "id"]
    graph.add_nodes_from((entity, dict(zip(fields, row))) for entity, row in enumerate(zip(*(columns[name] for name in fields))))
    single, pair = edge_relations(world.config.task)
    for row, (cause, effect) in enumerate(world.single_edges.tolist()):
        graph.add_edge(cause, effect, relation=single, edge=row)
    for row, (first, second, effect) in enumerate(world.pair_edges.tolist()):
        graph.add_edge(first, effect, relation=pair, edge=row, partner=second)
        graph.add_edge(second, effect, relation=pair, edge=row, partner=first)
    return graph
