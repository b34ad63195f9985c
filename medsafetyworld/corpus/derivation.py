"""What could tell the answer of a query, and what of it is written: chains, their local links, and the routes that these leave open.

An answer is known from its chain, a whole-chain fact. It is derivable where the chain is stated, or where one of these routes is open
(the query asks in one direction, "back" is the other):

- reversal: a whole-chain statement in the other direction, read backwards;
- cooccurrence (single_hop): a statement that names compounds and outcome together;
- composition (worlds with mediators): a join, that is every local link of the chain told by a fact written in the query's direction;
- mixed: the same join, with at least one local fact read backwards.

A local link is told by its own fact, and by every longer fact that holds it; a chain about the query itself tells it outright, so it counts
as stated or reversal and not as a link. Statement ids are those of `StatementTable`. Shapes: I statement ids, C chains, L links a chain,
K local links, Q queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.world.safety import CATEGORIES
from medsafetyworld.world.splits import CLOSURES
from medsafetyworld.world.world import World

Integers = NDArray[np.int64]

ROUTES = ("reversal", "cooccurrence", "composition", "mixed")
ASKED = ("forward", "reverse")
"""Directions in which a query can ask."""
STATED, REVERSAL, COOCCURRENCE = range(3)
"""How one fact tells an answer alone."""


def local_links(world: World) -> tuple[Integers, dict[str, tuple[Integers, Integers]]]:
    """Return the local links of each chain, and which facts tell which links.

    This is the only place that knows how the chains of a world are built.

    Returns:
        (C, L) link numbers, the last of each chain being the join at its outcome; and for each relation two equally long columns, the
        rows of its facts and the links that they tell.
    """
    if world.config.task == "single_hop":
        chains = sum(len(world.facts(relation)) for relation in world.whole_chain_relations)
        return np.empty((chains, 0), dtype=np.int64), {}
    singles = [world.facts(relation) for relation in ("compound_mediator", "mediator_mediator") if relation in world.relations]
    edges = np.concatenate([facts[facts >= 0].reshape(-1, 2) for facts in singles])
    pairs = world.facts("mediator_pair_outcome")[:, -3:]
    number = np.full(len(world.names), -1, dtype=np.int64)
    number[edges[:, 0]] = np.arange(len(edges))  # every compound, and every mediator before the last layer, has one effect
    tells = {}
    for relation in world.relations:
        facts, told = world.facts(relation), list[tuple[Integers, Integers]]()
        for cause in range(facts.shape[1] - 3):
            rows = np.flatnonzero((facts[:, cause] >= 0) & (facts[:, cause + 2] >= 0))
            told.append((rows, number[facts[rows, cause]]))
        rows = np.flatnonzero((facts[:, -3:] >= 0).all(axis=1))
        told.append((rows, len(edges) + find_rows(pairs, facts[rows, -3:])))
        tells[relation] = (np.concatenate([rows for rows, _ in told]), np.concatenate([links for _, links in told]))
    width = len(world.slots) - 2
    return tells["chain"][1].reshape(width, -1).T.copy(), tells


def find_rows(table: NDArray[np.int32], wanted: NDArray[np.int32]) -> Integers:
    """Return the row of `table` (distinct rows of ids) that holds the same ids, in any order, as each row of `wanted`."""
    joined = np.sort(np.concatenate([table, wanted]).astype(np.int64), axis=1)
    _, number = np.unique(joined, axis=0, return_inverse=True)
    row = np.empty(int(number.max(initial=-1)) + 1, dtype=np.int64)
    row[number[: len(table)]] = np.arange(len(table))
    return row[number[len(table) :]]


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Lists of integers, one a key: key k has `values[offsets[k]:offsets[k + 1]]`."""

    offsets: Integers
    values: Integers

    @staticmethod
    def group(keys: Integers, values: Integers, count: int) -> Lists:
        """Group values by key in 0..count-1; within a key they keep their order."""
        order = np.argsort(keys, kind="stable")
        counts = np.bincount(keys, minlength=count)
        return Lists(np.concatenate([[0], np.cumsum(counts)]), values[order])

    def of(self, keys: Integers) -> tuple[Integers, Integers]:
        """Return the lists of `keys` end to end: for each value the position of its key in `keys`, and the value."""
        starts, counts = self.offsets[keys], self.offsets[keys + 1] - self.offsets[keys]
        position = np.repeat(np.arange(len(keys)), counts)
        within = np.arange(position.size) - np.repeat(np.cumsum(counts) - counts, counts)
        return position, self.values[starts[position] + within]


class ChainIndex:
    """The chains of a world: which queries ask for them, which links they have, and which statements tell those."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.table = StatementTable(world, CorpusConfig())
        self.facts = np.concatenate([world.facts(relation) for relation in world.whole_chain_relations])
        self.links, tells = local_links(world)
        size = int(self.table.offsets[-1])
        sizes = [len(world.facts(relation)) for relation in world.whole_chain_relations]
        starts = np.cumsum([0, *sizes])
        self.alone = {direction: np.full(len(self.facts), -1, dtype=np.int64) for direction in (*ASKED, "cooccurrence")}
        """(C,) statement id of each chain in each direction, -1 where it is never stated in it."""
        self.chain_of = np.full(size, -1, dtype=np.int64)
        """(I,) the chain that a statement states whole, -1 for others."""
        for relation, start, stop in zip(world.whole_chain_relations, starts, starts[1:], strict=False):
            for direction in world.directions(relation):
                ids = self.table.offsets[self.table.code(relation, direction)] + np.arange(stop - start)
                self.alone[direction][start:stop] = ids
                self.chain_of[ids] = np.arange(start, stop)
        told = [
            (links, self.table.offsets[self.table.code(relation, direction)] + rows)
            for relation, (rows, links) in tells.items()
            for direction in ASKED
        ]
        empty = np.empty(0, dtype=np.int64)
        links = np.concatenate([empty, *(links for links, _ in told)])
        ids = np.concatenate([empty, *(ids for _, ids in told)])
        count = int(self.links.max(initial=-1)) + 1
        order = np.lexsort((ids, links))
        self.told_by = Lists.group(links[order], ids[order], count)
        """Link to the statements that tell it, ascending."""
        self.tells = Lists.group(ids, links, size)
        """Statement to the links that it tells."""
        self.forward = np.repeat([kind[1] == "forward" for kind in self.table.types], np.diff(self.table.offsets))
        """(I,) whether a statement is a forward one."""

    @cached_property
    def chains_of_link(self) -> Lists:
        """Link to the chains that have it."""
        chains = np.repeat(np.arange(len(self.links)), self.links.shape[1])
        return Lists.group(self.links.ravel(), chains, int(self.links.max(initial=-1)) + 1)

    @cached_property
    def asked_by(self) -> dict[str, Integers]:
        """(C,) for each direction: the query that asks for a chain, -1 for none."""
        columns = self.world.query_columns
        size = len(self.world.names)
        reverse = np.full(size, -1, dtype=np.int64)
        is_reverse = np.array([name.startswith("reverse") for name in CATEGORIES])[columns.category]
        reverse[columns.given[is_reverse, 0]] = np.flatnonzero(is_reverse)
        forward = np.flatnonzero(~is_reverse)
        given, causes = (_pair_keys(pairs, size) for pairs in (columns.given[forward], self.facts[:, :2]))
        order = np.argsort(given)
        place = np.minimum(np.searchsorted(given[order], causes), max(given.size - 1, 0))
        found = np.full(len(self.facts), -1, dtype=np.int64)
        if given.size:
            same = given[order][place] == causes
            found[same] = forward[order][place[same]]
        return {"forward": found, "reverse": reverse[self.facts[:, -1]]}

    @cached_property
    def chains_of_query(self) -> Lists:
        """Query to the chains that answer it."""
        chains, queries = [], []
        for asked in self.asked_by.values():
            rows = np.flatnonzero(asked >= 0)
            chains.append(rows)
            queries.append(asked[rows])
        return Lists.group(np.concatenate(queries), np.concatenate(chains), len(self.world.query_columns.category))

    @cached_property
    def asks_forward(self) -> NDArray[np.bool_]:
        """(Q of the world,) whether a query asks forward."""
        return np.array([name.startswith("forward") for name in CATEGORIES])[self.world.query_columns.category]


@lru_cache(maxsize=2)
def chain_index(world: World) -> ChainIndex:
    """Return the chains of a world; they are indexed once and remembered."""
    return ChainIndex(world)


@dataclass(frozen=True, slots=True, eq=False)
class Derivations:
    """All that tells the answers of some queries and is written; queries by their position in `queries`."""

    queries: Integers
    """(Q,) query ids."""
    alone_query: Integers
    alone_id: Integers
    alone_kind: Integers
    """Statements that tell an answer alone, and how: STATED, REVERSAL or COOCCURRENCE."""
    join_query: Integers
    join_links: Integers
    """Joins of which every link is told: (J,) their query, (J, L) their links."""
    member_join: Integers
    member_link: Integers
    member_id: Integers
    """Statements that tell a link of a join: the join, the position 0..L-1 of the link, the statement."""

    def support(self) -> tuple[Integers, Integers]:
        """Return the (query position, statement id) pairs that some derivation uses, each once, ascending."""
        query = np.concatenate([self.alone_query, self.join_query[self.member_join]])
        return unique_pairs(query, np.concatenate([self.alone_id, self.member_id]))

    def routes(self, index: ChainIndex) -> NDArray[np.bool_]:
        """Return (Q, 4): which of `ROUTES` are open."""
        opened = np.zeros((self.queries.size, len(ROUTES)), dtype=np.bool_)
        opened[self.alone_query[self.alone_kind == REVERSAL], ROUTES.index("reversal")] = True
        opened[self.alone_query[self.alone_kind == COOCCURRENCE], ROUTES.index("cooccurrence")] = True
        asked = index.asks_forward[self.queries[self.join_query[self.member_join]]]
        along = index.forward[self.member_id] == asked
        met = np.zeros(self.join_links.shape, dtype=np.bool_)
        met[self.member_join[along], self.member_link[along]] = True
        opened[self.join_query[met.all(axis=1)], ROUTES.index("composition")] = True
        opened[self.join_query[self.member_join[~along]], ROUTES.index("mixed")] = True
        return opened


def derive(index: ChainIndex, counts: Integers, queries: Integers) -> Derivations:
    """Return what is written of all that could tell the answers of `queries` (ids), given how often each statement is, (I,)."""
    query, chain = index.chains_of_query.of(queries)
    asked = np.where(index.asks_forward[queries], 0, 1)[query]
    by_direction = np.stack([index.alone[direction][chain] for direction in ASKED])
    rows = np.arange(chain.size)
    alone = np.stack([by_direction[asked, rows], by_direction[1 - asked, rows], index.alone["cooccurrence"][chain]], axis=1)
    place, kind = np.nonzero((alone >= 0) & (counts[alone] > 0))

    links = index.links[chain]
    slot, told = index.told_by.of(links.ravel())
    told_chain = index.chain_of[told]
    asked_by = np.stack([index.asked_by[direction] for direction in ASKED])
    join = slot // max(links.shape[1], 1)
    own = (told_chain >= 0) & (asked_by[asked[join], told_chain] == queries[query[join]])
    kept = (counts[told] > 0) & ~own
    slot, told, join = slot[kept], told[kept], join[kept]
    met = np.zeros(links.size, dtype=np.bool_)
    met[slot] = True
    whole: NDArray[np.bool_] = met.reshape(links.shape).all(axis=1) & (links.shape[1] > 0)
    number = np.cumsum(whole) - 1
    kept = whole[join]
    return Derivations(
        queries=queries,
        alone_query=query[place],
        alone_id=alone[place, kind],
        alone_kind=kind,
        join_query=query[whole],
        join_links=links[whole],
        member_join=number[join[kept]],
        member_link=slot[kept] % max(links.shape[1], 1),
        member_id=told[kept],
    )


def closed_routes(world: World, arm: str) -> tuple[str, ...]:
    """Return the routes that a route arm closes for the reverse queries of its outcomes."""
    closed = set()
    for relation, direction in CLOSURES[world.config.task].get(arm, ()):
        if direction == "cooccurrence":
            closed.add("cooccurrence")
        elif relation in world.whole_chain_relations:
            closed.add("reversal")
        else:
            closed.add("composition")
    return tuple(route for route in ROUTES if route in closed)


def open_routes(world: World, arm: str) -> tuple[str, ...]:
    """Return the routes that a route arm leaves open for the reverse queries of its outcomes."""
    possible = ("reversal", "cooccurrence") if world.config.task == "single_hop" else ("reversal", "composition", "mixed")
    return tuple(route for route in possible if route not in closed_routes(world, arm))


def unique_pairs(first: Integers, second: Integers) -> tuple[Integers, Integers]:
    """Return the distinct pairs of two columns, ascending."""
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    new = np.ones(first.size, dtype=np.bool_)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    return first[new], second[new]


def _pair_keys(pairs: NDArray[np.int32], size: int) -> Integers:
    ordered = np.sort(pairs.astype(np.int64), axis=1)
    return (ordered[:, 0] + 1) * (size + 1) + ordered[:, 1]
