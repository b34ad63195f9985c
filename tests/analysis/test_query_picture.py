"""Pictures of queries: every entity is named once, nothing overlaps that is apart, and crowded queries are cut short."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

pytest.importorskip("matplotlib")

from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld import Corpus, certificate
from medsafetyworld.analysis.figures.query_picture import apart, draw, joints, positions
from medsafetyworld.analysis.neighbourhood import MOST_CHAINS, neighbourhood
from medsafetyworld.world import Query, World, WorldConfig

CROWDED = WorldConfig(compounds=60, mediators=9, outcomes=5, pair_edges=30, heldout_fraction=0.4)
SIZES = WorldConfig(compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5)


def busiest(world: World, category: str) -> Query:
    return max(world.queries(category), key=lambda query: len(query.answers))


@given(st.lists(st.floats(-9, 9), max_size=12), st.floats(0.01, 2))
def test_values_are_moved_apart_around_the_same_mean(values: list[float], gap: float) -> None:
    moved = apart(sorted(values), gap)
    assert all(right - left >= gap - 1e-9 for left, right in pairwise(moved))
    assert sum(moved) == pytest.approx(sum(values), abs=1e-6)
    assert apart(moved, gap) == pytest.approx(moved, abs=1e-6)


@pytest.mark.parametrize(
    "config", [SIZES, CROWDED, WorldConfig(task="single_hop", compounds=30, outcomes=8)], ids=["two", "crowded", "single"]
)
def test_entities_and_joints_stand_apart(config: WorldConfig) -> None:
    world = World.generate(config)
    corpus = Corpus(world, "filtered")
    for category in ("reverse_unsafe", "forward_safe"):
        query = busiest(world, category)
        near = neighbourhood(world, query, certificate(world, corpus, query))
        place = positions(near)
        assert set(place) == {entity for layer in near.layers for entity in layer}
        for one, other in combinations(place.values(), 2):
            assert abs(one[0] - other[0]) > 1 or abs(one[1] - other[1]) > 0.8
        whole = [at for link, at in joints(near, place).items() if link.whole]
        assert all(abs(one[1] - other[1]) > 0.29 for one, other in combinations(whole, 2))


@pytest.mark.parametrize("category", ["reverse_unsafe", "forward_safe"])
@pytest.mark.parametrize("task", ["two_hop", "single_hop"])
def test_a_picture_names_what_it_shows(task: str, category: str) -> None:
    world = World.generate(WorldConfig(task=task, compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5))  # type: ignore[arg-type]
    corpus = Corpus(world, "filtered")
    query = world.queries(category, "heldout")[0]
    found = certificate(world, corpus, query)
    figure = draw(world, query, found, "filtered")
    [axes] = figure.axes
    texts = [text.get_text() for text in axes.texts]
    for layer in neighbourhood(world, query, found).layers:
        for entity in layer:
            assert sum(str(world.names[entity]) in text.replace("\n", " ") for text in texts) == 1
    assert f"Query {query.query_id} ({category}, held out" in figure.get_suptitle()
    legend = {
        line.rpartition(": ")[0].partition(" (")[0]: line.rpartition(": ")[2] for line in (t.get_text() for t in figure.legends[0].texts)
    }
    for route in ("reversal", "composition" if task == "two_hop" else "co-occurrence"):
        assert legend[route] == ("open" if route.replace("-", "") in found.routes else "closed")
    assert f"{found.cut_cost:,} statements" in legend["minimal cut"]


def test_a_crowded_query_says_how_much_of_it_is_shown() -> None:
    world = World.generate(CROWDED)
    query = busiest(world, "reverse_unsafe")
    assert len(query.answers) > MOST_CHAINS
    figure = draw(world, query, certificate(world, Corpus(world, "filtered"), query), "filtered")
    assert f"({MOST_CHAINS} of {len(query.answers)} chains shown)" in figure.get_suptitle()
