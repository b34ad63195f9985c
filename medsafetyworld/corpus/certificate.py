"""The certificate of a query: how its answer could be read from a corpus, from which facts, and what would have to go to prevent it.

An answer is derivable where it is stated, or where one of these routes is open (the query asks in one direction, "back" is the other):

- reversal: a whole-chain statement in the other direction, read backwards;
- cooccurrence (single_hop): a statement that names compounds and outcome together;
- composition (two_hop): local facts in the query's direction, joined: mediator pair and outcome, and each compound and its mediator;
- mixed (two_hop): the same join, with at least one local fact read backwards.

A pair statement, and a whole chain about another outcome, also tell which compound goes with which mediator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medsafetyworld.corpus.exposure import Exposure
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import DataError
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

FactKey = tuple[str, str, int]
"""(relation, direction, row of `World.facts(relation)`): all statements of one fact in one direction."""


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
    """Every fact that a derivation uses, stated ones included."""
    exposure: tuple[EntityExposure, ...]
    cut: tuple[FactKey, ...]
    """A cheapest set of facts without whose statements no answer is stated or derivable. No part of it suffices."""
    cut_cost: int
    """Statements of the cut."""

    @property
    def derivable(self) -> bool:
        """Whether an answer is stated or a route to it is open."""
        return self.stated > 0 or bool(self.routes)


@dataclass(frozen=True, slots=True)
class _Chain:
    """What could tell one answer: facts that do so alone, and needs, of each of which some fact must be there."""

    stated: FactKey
    reversal: FactKey
    cooccurrence: FactKey | None
    needs: tuple[tuple[FactKey, ...], ...]


def certificate(world: World, corpus: Corpus, query: Query) -> Certificate:
    """Return the certificate of a query on a corpus. The corpus is counted once and remembered.

    Raises:
        DataError: the corpus is of another world.
    """
    if corpus.world.content_hash != world.content_hash:
        raise DataError(f"corpus must be of world {world.content_hash[:12]}. Got one of {corpus.world.content_hash[:12]}.")
    direction = query.category.split("_")[0]
    chains = _chains(world, query, direction)
    exposure = corpus.exposure
    keys = dict.fromkeys(key for chain in chains for key in _keys(chain))
    counts = {key: count for key in keys if (count := int(exposure.statements[_id(corpus, key)])) > 0}
    cut = _cheapest_cut(chains, counts)
    return Certificate(
        query_id=query.query_id,
        category=query.category,
        split=query.split,
        arm=query.arm,
        hops=world.hops,
        stated=sum(counts.get(chain.stated, 0) for chain in chains),
        routes=open_routes(chains, counts, direction),
        support=tuple(_support(corpus, exposure, key) for key in counts),
        exposure=_entity_exposure(exposure, world, query, chains),
        cut=cut,
        cut_cost=sum(counts[key] for key in cut),
    )


def open_routes(chains: Iterable[_Chain], present: Iterable[FactKey], direction: str) -> tuple[str, ...]:
    """Return the routes that are open when the facts `present` are written, in the order of the module's list."""
    written = set(present)
    found = set()
    for chain in chains:
        if chain.reversal in written:
            found.add("reversal")
        if chain.cooccurrence in written:
            found.add("cooccurrence")
        met = [[key for key in need if key in written] for need in chain.needs]
        if met and all(met):
            if all(any(key[1] == direction for key in need) for need in met):
                found.add("composition")
            if any(key[1] != direction for need in met for key in need):
                found.add("mixed")
    return tuple(route for route in ("reversal", "cooccurrence", "composition", "mixed") if route in found)


def _chains(world: World, query: Query, direction: str) -> list[_Chain]:
    """Return the ways in which each right answer could be known."""
    back = "forward" if direction == "reverse" else "reverse"
    chains = []
    for relation in world.whole_chain_relations:
        facts = world.facts(relation)
        if direction == "reverse":
            chosen = facts[:, -1] == query.given[0]
        else:
            given = np.array(sorted((*query.given, -1)[:2]))
            chosen = (np.sort(facts[:, :2], axis=1) == given).all(axis=1)
        for row in np.flatnonzero(chosen).tolist():
            together = (relation, "cooccurrence", row) if "cooccurrence" in world.directions(relation) else None
            needs = _needs(world, facts[row]) if world.config.task == "two_hop" else ()
            chains.append(_Chain((relation, direction, row), (relation, back, row), together, needs))
    return chains


def _needs(world: World, chain: np.ndarray[tuple[int], np.dtype[np.int32]]) -> tuple[tuple[FactKey, ...], ...]:
    """Return the local links of a chain, the last hop and then two links a hop, each with every fact that tells it, in both directions."""
    *pair, outcome = chain[-3:].tolist()
    pairs = world.facts("mediator_pair_outcome")
    links = [[("mediator_pair_outcome", row) for row in np.flatnonzero((np.sort(pairs[:, -3:-1]) == sorted(pair)).all(axis=1)).tolist()]]
    for slot, (cause, effect) in enumerate(zip(chain[:-3].tolist(), chain[2:-1].tolist(), strict=True)):
        link: list[tuple[str, int]] = []
        for relation in world.relations:
            facts, first = world.facts(relation), slot - slot % 2
            tells = ((facts[:, first : first + 2] == cause) & (facts[:, first + 2 : first + 4] == effect)).any(axis=1)
            if relation == "chain":
                tells &= facts[:, -1] != outcome
            link += [(relation, row) for row in np.flatnonzero(tells).tolist()]
        links.append(link)
    return tuple(tuple((relation, direction, row) for relation, row in link for direction in ("forward", "reverse")) for link in links)


def _cheapest_cut(chains: list[_Chain], counts: dict[FactKey, int]) -> tuple[FactKey, ...]:
    """Return the cheapest set of written facts without which nothing is derivable, exactly, by integer programming.

    What tells an answer alone has to go. Of each join some need has to lose every fact that meets it: variable x is 1 where a fact goes,
    y where a need is unmet; y <= x of each of its facts, and the y of each join add up to at least 1.
    """
    forced = {key for chain in chains for key in (chain.stated, chain.reversal, chain.cooccurrence) if key is not None and key in counts}
    joins = [[tuple(key for key in need if key in counts and key not in forced) for need in chain.needs] for chain in chains if chain.needs]
    joins = [join for join in joins if all(join)]
    if not joins:
        return tuple(sorted(forced))
    from scipy.optimize import Bounds, LinearConstraint, milp

    facts = sorted({key for join in joins for need in join for key in need})
    needs = sorted({need for join in joins for need in join})
    column = {key: number for number, key in enumerate(facts)} | {need: len(facts) + number for number, need in enumerate(needs)}
    rows: list[tuple[list[int], list[int], int]] = [([column[key], column[need]], [1, -1], 0) for need in needs for key in need]
    rows += [([column[need] for need in dict.fromkeys(join)], [1] * len(dict.fromkeys(join)), 1) for join in joins]
    matrix, lower = np.zeros((len(rows), len(column))), np.zeros(len(rows))
    for number, (columns, values, least) in enumerate(rows):
        matrix[number, columns], lower[number] = values, least
    cost = np.array([counts[key] for key in facts] + [0] * len(needs), dtype=np.float64)
    solved = milp(
        cost, constraints=LinearConstraint(matrix, lower, np.inf), bounds=Bounds(0, 1), integrality=np.ones(len(column), dtype=np.int64)
    )
    if not solved.success:
        raise RuntimeError(f"integer program of the cheapest cut failed: {solved.message}")
    return tuple(sorted(forced | {key for key, value in zip(facts, solved.x, strict=False) if value > 0.5}))


def _keys(chain: _Chain) -> list[FactKey]:
    alone = [key for key in (chain.stated, chain.reversal, chain.cooccurrence) if key is not None]
    return [*alone, *(key for need in chain.needs for key in need)]


def _id(corpus: Corpus, key: FactKey) -> int:
    relation, direction, fact = key
    return int(corpus.table.offsets[corpus.table.code(relation, direction)]) + fact


def _support(corpus: Corpus, exposure: Exposure, key: FactKey) -> Support:
    number = _id(corpus, key)
    count, effect_first = int(exposure.statements[number]), int(exposure.effect_first[number])
    entities = tuple(entity for entity in corpus.world.facts(key[0])[key[2]].tolist() if entity >= 0)
    return Support(*key, entities, count, count - effect_first, effect_first)


def _entity_exposure(exposure: Exposure, world: World, query: Query, chains: list[_Chain]) -> tuple[EntityExposure, ...]:
    entities = dict.fromkeys(query.given)
    for chain in chains:
        relation, _, row = chain.stated
        entities |= dict.fromkeys(entity for entity in world.facts(relation)[row].tolist() if entity >= 0)
    return tuple(EntityExposure(entity, int(exposure.entities[entity]), int(exposure.entities_in_chains[entity])) for entity in entities)
