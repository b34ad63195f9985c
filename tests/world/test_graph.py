from __future__ import annotations

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld import World, WorldConfig
from medsafetyworld.testing import worlds
from medsafetyworld.world.graph import draw_pairs
from medsafetyworld.world.random import key_of


@given(st.integers(2, 40), st.integers(0, 2**32))
def test_all_pairs_are_drawn_when_all_are_asked_for(members: int, seed: int) -> None:
    most = members * (members - 1) // 2
    pairs = draw_pairs(key_of(seed), members, most)
    assert {tuple(pair) for pair in pairs.tolist()} == {(low, high) for low, high in product(range(members), repeat=2) if low < high}


@pytest.mark.parametrize("members", [10**5, 10**6, 2**31 - 1])
def test_pairs_of_many_members_are_distinct_and_in_order(members: int) -> None:
    pairs = draw_pairs(key_of("many"), members, 5_000)
    assert len({tuple(pair) for pair in pairs.tolist()}) == 5_000
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert pairs.min() >= 0
    assert pairs.max() < members


@given(worlds(tasks=["two_hop"]))
def test_two_hop_graph_follows_the_paper(world: World) -> None:
    mediator_of = dict(world.single_edges.tolist())
    assert sorted(mediator_of) == list(world.compounds)
    assert set(mediator_of.values()) == set(world.mediator_layers[0])
    assert set(world.pair_edges[:, 2].tolist()) == set(world.outcomes)
    mediator_pairs = [(b1, b2) for b1, b2, _ in world.pair_edges.tolist()]
    assert len(set(mediator_pairs)) == len(mediator_pairs)
    assert all(b1 < b2 for b1, b2 in mediator_pairs)
    assert {b for pair in mediator_pairs for b in pair} <= set(world.mediator_layers[-1])


@given(worlds(tasks=["two_hop"]))
def test_chains_are_every_compound_of_one_mediator_with_every_compound_of_the_other(world: World) -> None:
    compounds_of: dict[int, list[int]] = {}
    for compound, mediator in world.single_edges.tolist():
        compounds_of.setdefault(mediator, []).append(compound)
    cause = {effect: mediator for mediator, effect in world.mediator_edges.tolist()}
    expected = []
    for *pair, outcome in world.pair_edges.tolist():
        pairs = [pair]
        while pairs[0][0] not in compounds_of:
            pairs.insert(0, [cause[mediator] for mediator in pairs[0]])
        assert len(pairs) == world.hops - 1
        between = [mediator for pair in pairs for mediator in pair]
        expected += [(*compounds, *between, outcome) for compounds in product(*(compounds_of[mediator] for mediator in pairs[0]))]
    chains = [tuple(row) for row in world.facts("chain").tolist()]
    assert sorted(chains) == sorted(expected)
    assert len(set(chains)) == len(chains)
    pairs = world.facts("compound_pair_mediator_pair")
    assert (pairs[:, :4] == world.facts("chain")[:, :4]).all()
    assert (pairs[:, 4:] == -1).all()


@given(worlds(tasks=["two_hop"]))
def test_adjacent_mediator_layers_are_joined_one_to_one(world: World) -> None:
    assert len(world.mediator_layers) == world.hops - 1
    edges = world.mediator_edges.tolist()
    assert len(edges) == world.config.mediators * (world.hops - 2)
    for before, after in pairwise(world.mediator_layers):
        here = {cause: effect for cause, effect in edges if cause in before}
        assert set(here) == set(before)
        assert set(here.values()) == set(after)


def test_bijections_between_layers_are_random_and_differ() -> None:
    world = World.generate(WorldConfig(hops=4, compounds=4_000, mediators=4_000, outcomes=1_000))
    steps = (world.mediator_edges - world.compounds.stop) % 4_000
    for step in (steps[:4_000], steps[4_000:]):
        assert abs(np.corrcoef(step.T)[0, 1]) < 5 / 4_000**0.5
        assert (step[:, 0] == step[:, 1]).sum() < 10
    assert (steps[:4_000, 1] == steps[4_000:, 1]).sum() < 10


def test_counts_of_a_large_deep_world() -> None:
    world = World.generate(WorldConfig(hops=5, compounds=30_000, mediators=30_000, outcomes=1_000, pair_edges=200_000))
    assert len(world.mediator_edges) == 90_000
    assert len(world.facts("chain")) == 200_000
    assert len(world.facts("mediator_pair_mediator_pair")) == 600_000


@given(worlds(tasks=["single_hop"]))
def test_single_hop_graph_follows_the_paper(world: World) -> None:
    singles, pairs = world.single_edges.tolist(), world.pair_edges.tolist()
    assert len(set(map(tuple, singles))) == len(singles)
    assert {compound for compound, _ in singles} == set(world.compounds)
    assert {outcome for _, outcome in singles} == set(world.outcomes)
    assert len({(a1, a2) for a1, a2, _ in pairs}) == len(pairs)
    assert all(a1 < a2 and {a1, a2} <= set(world.compounds) and outcome in world.outcomes for a1, a2, outcome in pairs)


def test_remaining_choices_are_uniform() -> None:
    """Outcomes of the pairs that are left over, and mediators of the compounds that are, are drawn evenly: five deviations."""
    world = World.generate(WorldConfig(compounds=20_000, mediators=1_000, outcomes=100, pair_edges=20_100))
    per_outcome = np.array(list(Counter(world.pair_edges[:, 2].tolist()).values())) - 1
    assert per_outcome.sum() == 20_000
    assert abs(per_outcome - 200).max() < 5 * 200**0.5
    per_mediator = np.bincount(world.single_edges[:, 1] - world.mediators.start) - 1
    assert abs(per_mediator.var() - 19) < 5
    in_pairs = np.bincount(world.pair_edges[:, :2].ravel() - world.mediators.start)
    assert abs(in_pairs.mean() - 40.2) < 1e-9
    assert abs(in_pairs.var() - 40.2) < 10


def test_further_single_edges_are_uniform() -> None:
    world = World.generate(WorldConfig(task="single_hop", compounds=1_000, outcomes=100, single_edges=21_000, pair_edges=0))
    per_outcome = np.bincount(world.single_edges[:, 1] - world.outcomes.start)
    assert abs(per_outcome - 210).max() < 5 * 210**0.5


def test_sizes_of_the_paper() -> None:
    world = World.generate(WorldConfig(compounds=10_000, mediators=8_500, outcomes=1_500, pair_edges=10_000))
    assert (len(world.compounds), len(world.mediators), len(world.outcomes)) == (10_000, 8_500, 1_500)
    assert (len(world.single_edges), len(world.pair_edges)) == (10_000, 10_000)
    single = World.generate(WorldConfig(task="single_hop", compounds=10_000, outcomes=1_500, single_edges=20_000, pair_edges=6_000))
    assert (len(single.single_edges), len(single.pair_edges), len(single.mediators)) == (20_000, 6_000, 0)
