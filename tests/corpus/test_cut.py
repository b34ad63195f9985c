"""The cheapest cut: the argument that needs no solver against integer programming, and that against trying everything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig, cut
from medsafetyworld.corpus.cut import Join, cheapest_cut, cheapest_cuts
from medsafetyworld.corpus.derivation import Derivations, chain_index, derive
from medsafetyworld.world import World, WorldConfig


@st.composite
def joins(draw: st.DrawFn) -> tuple[list[Join], list[int]]:
    """Return up to four joins of two or three links over at most eight statements, and what each statement costs."""
    costs = draw(st.lists(st.integers(1, 6), min_size=2, max_size=8))
    link = st.frozensets(st.integers(0, len(costs) - 1), min_size=1, max_size=3).map(lambda ids: tuple(sorted(ids)))
    width = draw(st.integers(2, 3))
    return draw(st.lists(st.tuples(*[link] * width), min_size=1, max_size=4)), costs


def breaks(found: list[Join], gone: set[int]) -> bool:
    return all(any(set(link) <= gone for link in join) for join in found)


def least_cost(found: list[Join], costs: list[int]) -> int:
    used = sorted({key for join in found for link in join for key in link})
    subsets = (set(some) for size in range(len(used) + 1) for some in combinations(used, size))
    return min(sum(costs[key] for key in some) for some in subsets if breaks(found, some))


@given(joins())
def test_integer_programming_finds_the_cheapest(drawn: tuple[list[Join], list[int]]) -> None:
    found, costs = drawn
    gone = cheapest_cut(found, costs)
    assert breaks(found, set(gone))
    assert sum(costs[key] for key in gone) == least_cost(found, costs)


@given(st.lists(joins(), min_size=1, max_size=3))
@settings(max_examples=200)
def test_cuts_of_many_queries_are_the_cheapest_of_each(drawn: list[tuple[list[Join], list[int]]]) -> None:
    widths = {len(found[0]) for found, _ in drawn}
    drawn = [one for one in drawn if len(one[0][0]) == max(widths)]
    costs = np.array([cost for _, own in drawn for cost in own])
    starts = np.cumsum([0, *(len(own) for _, own in drawn)])
    derivations = as_derivations([found for found, _ in drawn], starts)
    query, gone = cheapest_cuts(derivations, costs)
    for position, (found, own) in enumerate(drawn):
        ids = {int(key - starts[position]) for key in gone[query == position]}
        assert breaks(found, ids)
        assert sum(own[key] for key in ids) == least_cost(found, own)


def as_derivations(queries: list[list[Join]], starts: np.ndarray) -> Derivations:  # type: ignore[type-arg]
    """Return joins as derivations. Links are the same where the same statements tell them, as in a world."""
    numbers: dict[tuple[int, ...], int] = {}
    join_query, links, members = [], [], []
    for query, found in enumerate(queries):
        for join in found:
            told = [tuple(int(starts[query]) + key for key in link) for link in join]
            members += [(len(links), place, key) for place, link in enumerate(told) for key in link]
            links.append([numbers.setdefault(link, len(numbers)) for link in told])
            join_query.append(query)
    none = np.empty(0, dtype=np.int64)
    columns = np.array(members).T
    return Derivations(np.arange(len(queries)), none, none, none, np.array(join_query), np.array(links), *columns)


def test_in_worlds_with_shared_mediators_the_argument_equals_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[Join]] = []
    solve = cheapest_cut
    monkeypatch.setattr(cut, "cheapest_cut", lambda some, costs: asked.append(some) or solve(some, costs))
    queries = 0
    for seed in range(4):
        world = World.generate(WorldConfig(compounds=6, mediators=5, outcomes=1, pair_edges=6, heldout_fraction=0.0, seed=seed))
        corpus = Corpus(world, "filtered", CorpusConfig(documents=60, seed=seed))
        index, counts = chain_index(world), corpus.exposure.statements
        found = derive(index, counts, np.arange(len(world.queries())))
        query, ids = cheapest_cuts(found, counts)
        queries += len(world.queries())
        for position in range(len(world.queries())):
            joined = cut._joins_of(found, position)
            alone = set(found.alone_id[found.alone_query == position].tolist())
            exact = sum(counts[key] for key in solve(joined, counts)) if joined else 0
            assert counts[ids[query == position]].sum() == exact + sum(counts[key] for key in alone)
    assert 0 < len(asked) < queries, "some cuts need the solver, others do not"
