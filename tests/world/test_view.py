from __future__ import annotations

import networkx
from hypothesis import given, settings

from medsafetyworld import World
from medsafetyworld.testing import worlds


@settings(max_examples=25)
@given(worlds())
def test_the_graph_holds_every_entity_and_edge(world: World) -> None:
    graph = world.graph
    assert sorted(graph.nodes) == list(range(len(world.names)))
    assert graph.number_of_edges() == len(world.single_edges) + len(world.mediator_edges) + 2 * len(world.pair_edges)
    for entity, attributes in graph.nodes(data=True):
        assert attributes["name"] == world.names[entity]
        assert attributes["unsafe"] == world.unsafe[entity]
        assert attributes["kind"] == ("compound", "mediator", "outcome")[world.kind[entity]]
        assert attributes["split"] == ("" if attributes["kind"] != "outcome" else "heldout" if world.heldout[entity] else "seen")
    joined = {
        (cause, attributes["partner"], effect)
        for cause, effect, attributes in graph.edges(data=True)
        if attributes.get("partner") is not None
    }
    assert {(min(one, other), max(one, other), effect) for one, other, effect in joined} == {
        tuple(row) for row in world.pair_edges.tolist()
    }


@settings(max_examples=25)
@given(worlds())
def test_every_outcome_is_reached_from_a_compound_and_causes_come_first(world: World) -> None:
    graph = world.graph
    assert networkx.is_directed_acyclic_graph(graph)
    for outcome in world.outcomes:
        assert networkx.ancestors(graph, outcome) & set(world.compounds)
