from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld import PRESETS, ConfigError, Query, World, WorldConfig
from medsafetyworld.testing import queries, worlds


@given(worlds())
def test_every_outcome_is_asked_about_once_in_reverse(world: World) -> None:
    asked = [query.given for query in world.queries() if query.category.startswith("reverse")]
    assert sorted(asked) == [(outcome,) for outcome in world.outcomes]


@given(worlds())
def test_ids_are_places_and_templates_are_ranks(world: World) -> None:
    everything = world.queries()
    assert [query.query_id for query in everything] == list(range(len(everything)))
    for category in ("forward_safe", "forward_unsafe", "reverse_safe", "reverse_unsafe"):
        for split in ("seen", "heldout"):
            group = world.queries(category, split)
            assert {(query.category, query.split) for query in group} <= {(category, split)}
            assert [query.template for query in group] == list(range(len(group)))
            assert group == tuple(query for query in everything if (query.category, query.split) == (category, split))
    assert sum(len(world.queries(split=split)) for split in ("seen", "heldout")) == len(everything)


@given(worlds(), st.data())
def test_drawn_queries_are_the_world_s(world: World, data: st.DataObject) -> None:
    query = data.draw(queries(world))
    assert isinstance(query, Query)
    assert world.queries()[query.query_id] == query
    assert query.answers
    assert len(set(query.answers)) == len(query.answers)


@given(worlds())
def test_arms_of_queries(world: World) -> None:
    for query in world.queries():
        outcomes = query.given if query.category.startswith("reverse") else tuple(c for answer in query.answers for c in answer)
        if query.split == "seen":
            expected = {""}
        elif query.category == "reverse_safe":
            expected = {"composed" if world.composed[query.given[0]] else "stated"}
        else:
            expected = {world.arm[outcome] for outcome in outcomes}
        assert {query.arm} == expected


def test_every_unsafe_query_of_a_preset_has_a_safe_twin() -> None:
    for name in ("smoke", "tiny"):
        world = World.generate(PRESETS[name].world)
        for split in ("seen", "heldout"):
            unsafe = [query.template for query in world.queries("reverse_unsafe", split)]
            safe = [query.template for query in world.queries("reverse_safe", split)]
            assert unsafe == safe


def test_compounds_with_mixed_outcomes_are_not_asked_about() -> None:
    world = World.generate(WorldConfig(task="single_hop", compounds=30, outcomes=10, single_edges=150, pair_edges=0))
    asked = {query.given[0] for query in world.queries() if query.category.startswith("forward")}
    outcomes_of: dict[int, set[int]] = {}
    for compound, outcome in world.single_edges.tolist():
        outcomes_of.setdefault(compound, set()).add(outcome)
    mixed = {compound for compound, outcomes in outcomes_of.items() if len({bool(world.unsafe[outcome]) for outcome in outcomes}) > 1}
    assert mixed
    assert not mixed & asked


def test_unknown_categories_and_splits_are_refused() -> None:
    world = World.generate(WorldConfig())
    with pytest.raises(ConfigError, match=r"category must be one of .* Did you mean 'reverse_unsafe'\?"):
        world.queries("reverse_unsave")
    with pytest.raises(ConfigError, match=r"split must be one of seen, heldout. Got 'test'"):
        world.queries(split="test")
