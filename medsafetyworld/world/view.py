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
    from medsafetyworld.world.storage import entity_columns, named_edges

    graph: networkx.MultiDiGraph[int] = networkx.MultiDiGraph(task=world.config.task, content_hash=world.content_hash)
    columns = entity_columns(world)
    for entity in columns.pop("id"):
        graph.add_node(entity, **{name: values[entity] for name, values in columns.items()})
    for relation, edges in named_edges(world).items():
        for row, (*causes, effect) in enumerate(edges.tolist()):
            if len(causes) == 1:
                graph.add_edge(causes[0], effect, relation=relation, edge=row)
                continue
            for cause, partner in (causes, causes[::-1]):
                graph.add_edge(cause, effect, relation=relation, edge=row, partner=partner)
    return graph
