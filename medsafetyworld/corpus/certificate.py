"""The certificate of a query: how its answer could be read from a corpus, from which facts, and what would have to go to prevent it.

What counts as a derivation, and which routes there are, is said in `derivation`; the exact cheapest cut is in `cut`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.cut import cheapest_cuts
from medsafetyworld.corpus.derivation import (
    ASKED,
    ROUTES,
    STATED,
    ChainIndex,
    Derivations,
    Integers,
    Lists,
    chain_index,
    derive,
    unique_pairs,
)
from medsafetyworld.corpus.exposure import Exposure
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.errors import DataError
from medsafetyworld.world.queries import Query
from medsafetyworld.world.safety import CATEGORIES
from medsafetyworld.world.world import World

FactKey = tuple[str, str, int]
"""(relation, direction, row of `World.facts(relation)`): all statements of one fact in one direction."""

BATCH = 4096
"""Queries certified at once."""


@dataclass(frozen=True, slots=True)
class Support:
    """A fact that some derivation uses."""

    relation: str
    direction: str
    fact: int
    entities: tuple[int, ...]
    count: int
    """Statements of it in the corpus."""
    cause_first: int
    """Statements that mention its cause before its effect."""
    effect_first: int

    @property
    def key(self) -> FactKey:
        """What names the fact in a cut."""
        return self.relation, self.direction, self.fact


@dataclass(frozen=True, slots=True)
class EntityExposure:
    """How often an entity of the query or of a right answer's chain is named."""

    entity: int
    statements: int
    in_whole_chains: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """The derivations of a query's answers from a corpus."""

    query_id: int
    category: str
    split: str
    arm: str
    hops: int
    """Causal steps between the query and its answer."""
    stated: int
    """Statements of a right answer itself, in the query's direction."""
    routes: tuple[str, ...]
    """Open routes, without the statements of the answer itself."""
    support: tuple[Support, ...]
    """Every fact that some derivation uses, stated ones included."""
    exposure: tuple[EntityExposure, ...]
    cut: tuple[FactKey, ...]
    """A cheapest set of facts without whose statements no answer is stated or derivable. No part of it suffices."""
    cut_cost: int
    """Statements of the cut."""
    benign_cost: int
    """Other queries, harmful ones (reverse_unsafe) aside, whose answers are derivable, and not without the cut."""

    @property
    def derivable(self) -> bool:
        """Whether an answer is stated or a route to it is open."""
        return self.stated > 0 or bool(self.routes)


@dataclass(frozen=True, slots=True, eq=False)
class CertificateColumns:
    """Certificates as columns; Q queries. Pairs are (position 0..Q-1, value), ascending."""

    queries: Integers
    """(Q,) query ids."""
    stated: Integers
    routes: NDArray[np.bool_]
    """(Q, 4): which of `ROUTES` are open."""
    support: tuple[Integers, Integers]
    """Pairs of query and statement id."""
    exposed: tuple[Integers, Integers]
    """Pairs of query and entity."""
    cut: tuple[Integers, Integers]
    """Pairs of query and statement id."""
    cut_cost: Integers
    benign_cost: Integers


def certificate(world: World, corpus: Corpus, query: Query) -> Certificate:
    """Return the certificate of a query on a corpus. The corpus is counted once and remembered.

    Raises:
        DataError: the corpus is of another world.
    """
    return next(iterate_certificates(world, _exposure_of(world, corpus), [query]))


def certificates(world: World, corpus: Corpus, queries: Sequence[Query] | None = None) -> tuple[Certificate, ...]:
    """Return the certificates of `queries`, by default of all of the world's, in their order.

    Where counts follow from the passes (see `exposure`), the cost does not depend on the number of documents.

    Raises:
        DataError: the corpus is of another world.
    """
    return tuple(iterate_certificates(world, _exposure_of(world, corpus), queries))


def iterate_certificates(world: World, exposure: Exposure, queries: Sequence[Query] | None = None) -> Iterator[Certificate]:
    """Yield the certificates of `queries` (all of the world's by default) under what some corpus writes."""
    chosen = world.queries() if queries is None else queries
    ids = np.array([query.query_id for query in chosen], dtype=np.int64)
    for number, columns in enumerate(certificate_columns(world, exposure, ids)):
        yield from _objects(world, exposure, chosen[number * BATCH : (number + 1) * BATCH], columns)


def certificate_columns(world: World, exposure: Exposure, queries: Integers) -> Iterator[CertificateColumns]:
    """Yield the certificates of query ids in batches of `BATCH`, so that memory does not grow with their number."""
    index, counts = chain_index(world), exposure.statements
    for start in range(0, len(queries), BATCH):
        found = derive(index, counts, queries[start : start + BATCH])
        size = found.queries.size
        stated = found.alone_kind == STATED
        cut = cheapest_cuts(found, counts)
        yield CertificateColumns(
            queries=found.queries,
            stated=_sum_by(found.alone_query[stated], counts[found.alone_id[stated]], size),
            routes=found.routes(index),
            support=found.support(),
            exposed=_entities(index, found.queries),
            cut=cut,
            cut_cost=_sum_by(cut[0], counts[cut[1]], size),
            benign_cost=_benign_cost(index, counts, found.queries, cut),
        )


def _exposure_of(world: World, corpus: Corpus) -> Exposure:
    if corpus.world.content_hash != world.content_hash:
        raise DataError(f"corpus must be of world {world.content_hash[:12]}. Got one of {corpus.world.content_hash[:12]}.")
    return corpus.exposure


def _sum_by(keys: Integers, values: Integers, size: int) -> Integers:
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, keys, values)
    return total


def _entities(index: ChainIndex, queries: Integers) -> tuple[Integers, Integers]:
    """Return the entities of each query's chains, which include what is given."""
    query, chain = index.chains_of_query.of(queries)
    entities = index.facts[chain]
    named = entities >= 0
    return unique_pairs(np.repeat(query, entities.shape[1])[named.ravel()], entities[named].astype(np.int64))


def _benign_cost(index: ChainIndex, counts: Integers, queries: Integers, cut: tuple[Integers, Integers]) -> Integers:
    """(Q,): how many benign queries lose their last derivation with each query's cut."""
    query, other = _touched(index, queries, cut)
    benign = np.array([name != "reverse_unsafe" for name in CATEGORIES])[index.world.query_columns.category[other]]
    kept = benign & (other != queries[query])
    query, other = query[kept], other[kept]
    if not other.size:
        return np.zeros(queries.size, dtype=np.int64)
    asked, position = np.unique(other, return_inverse=True)
    found = derive(index, counts, asked)
    had, has = _alive(found, position, None), _alive(found, position, _Removed(query, cut, counts.size))
    return np.bincount(query[had & ~has], minlength=queries.size).astype(np.int64)


def _touched(index: ChainIndex, queries: Integers, cut: tuple[Integers, Integers]) -> tuple[Integers, Integers]:
    """Return the distinct (query position, query id) pairs whose second one's answer a statement of the first one's cut may tell."""
    query, ids = cut
    own = index.chain_of[ids]
    row, link = index.tells.of(ids)
    step, chain = index.chains_of_link.of(link)
    query = np.concatenate([query[own >= 0], query[row[step]]])
    chains = np.concatenate([own[own >= 0], chain])
    query, chains = unique_pairs(query, chains)
    asking = np.stack([index.asked_by[direction][chains] for direction in ASKED])
    query = np.broadcast_to(query, asking.shape)[asking >= 0]
    return unique_pairs(query, asking[asking >= 0])


class _Removed:
    """Which statements are gone for each pair of a cut's query and another query."""

    def __init__(self, query: Integers, cut: tuple[Integers, Integers], size: int) -> None:
        self._query, self._size = query, size
        self._keys = cut[0] * size + cut[1]  # ascending, as the pairs are

    def gone(self, pair: Integers, ids: Integers) -> NDArray[np.bool_]:
        keys = self._query[pair] * self._size + ids
        place = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        gone: NDArray[np.bool_] = self._keys[place] == keys
        return gone


def _alive(found: Derivations, position: Integers, removed: _Removed | None) -> NDArray[np.bool_]:
    """Return for each pair, given by the position of its second query in `found`, whether a derivation is left."""
    size = found.queries.size
    alive = np.zeros(position.size, dtype=np.bool_)
    pair, row = _rows_of(found.alone_query, size).of(position)
    left = np.ones(pair.size, dtype=np.bool_) if removed is None else ~removed.gone(pair, found.alone_id[row])
    alive[pair[left]] = True
    width = found.join_links.shape[1]
    if not found.join_query.size:
        return alive
    pair, join = _rows_of(found.join_query, size).of(position)
    place, member = _rows_of(found.member_join, found.join_query.size).of(join)
    left = np.ones(place.size, dtype=np.bool_) if removed is None else ~removed.gone(pair[place], found.member_id[member])
    told = np.zeros((join.size, width), dtype=np.bool_)
    told[place[left], found.member_link[member[left]]] = True
    alive[pair[told.all(axis=1)]] = True
    return alive


def _rows_of(keys: Integers, count: int) -> Lists:
    return Lists.group(keys, np.arange(keys.size), count)


def _objects(world: World, exposure: Exposure, queries: Sequence[Query], columns: CertificateColumns) -> Iterator[Certificate]:
    table = chain_index(world).table
    size = len(queries)
    support: list[list[Support]] = [[] for _ in range(size)]
    for query, made in zip(columns.support[0].tolist(), _supports(table, exposure, columns.support[1]), strict=True):
        support[query].append(made)
    cut: list[list[FactKey]] = [[] for _ in range(size)]
    for query, key in zip(columns.cut[0].tolist(), _keys(table, columns.cut[1]), strict=True):
        cut[query].append(key)
    exposed: list[list[EntityExposure]] = [[] for _ in range(size)]
    entities = columns.exposed[1]
    counted = zip(entities.tolist(), exposure.entities[entities].tolist(), exposure.entities_in_chains[entities].tolist(), strict=True)
    for query, values in zip(columns.exposed[0].tolist(), counted, strict=True):
        exposed[query].append(EntityExposure(*values))
    for position, query in enumerate(queries):
        yield Certificate(
            query_id=query.query_id,
            category=query.category,
            split=query.split,
            arm=query.arm,
            hops=world.hops,
            stated=int(columns.stated[position]),
            routes=tuple(route for route, is_open in zip(ROUTES, columns.routes[position], strict=True) if is_open),
            support=tuple(support[position]),
            exposure=tuple(exposed[position]),
            cut=tuple(cut[position]),
            cut_cost=int(columns.cut_cost[position]),
            benign_cost=int(columns.benign_cost[position]),
        )


def _keys(table: StatementTable, ids: Integers) -> Iterator[FactKey]:
    types = table.type_of(ids)
    for kind, fact in zip(types.tolist(), (ids - table.offsets[types]).tolist(), strict=True):
        yield (*table.types[kind], fact)


def _supports(table: StatementTable, exposure: Exposure, ids: Integers) -> Iterator[Support]:
    written, effect_first = exposure.statements[ids].tolist(), exposure.effect_first[ids].tolist()
    fillers = table.fillers(ids).tolist()
    for key, entities, count, backwards in zip(_keys(table, ids), fillers, written, effect_first, strict=True):
        yield Support(*key, tuple(entity for entity in entities if entity >= 0), count, count - backwards, backwards)
