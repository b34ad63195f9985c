"""The neighbourhood of a query: the chains of its answers taken apart into links, and how often a corpus writes each in which direction.

Links are read off the slots of whole-chain facts, so that this holds for every task and number of hops: entities of one kind and layer
share the letter of their slots (a1 and a2, b1 and b2), a link leads from one letter to the next, and the pair joins at the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from medsafetyworld.corpus.certificate import Certificate, FactKey
from medsafetyworld.world import Query, World

MOST_CHAINS = 8
"""Chains that are shown; a picture of more is not legible."""

Places = tuple[tuple[int, int], ...]
"""(slot, entity) of each entity that something holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One causal step, or a whole chain in one statement."""

    causes: tuple[int, ...]
    effect: int
    whole: bool
    """A whole-chain statement, which names the mediators as well."""
    written: Mapping[str, int]
    """Statements that tell the link, by direction, for every direction in which the task states facts."""
    withheld: tuple[str, ...]
    """Directions in which the world withholds the link's own fact from every corpus: routes that the arm closes."""
    cut: Mapping[str, int]
    """Those of the statements that the cut takes away, by direction."""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What a picture of a query shows."""

    layers: tuple[tuple[int, ...], ...]
    """Entities from the compounds to the outcomes, a layer each."""
    links: tuple[Link, ...]
    chains: int
    """Whole chains of the query's answers, shown or not."""
    shown: int


def neighbourhood(world: World, query: Query, certificate: Certificate) -> Neighbourhood:
    """Return the chains of a query's answers as layers of entities and links between them, at most `MOST_CHAINS` chains."""
    chains = _chains(world, query)
    letters = list(dict.fromkeys(_letter(slot) for slot in world.slots))
    columns = [[slot for slot, name in enumerate(world.slots) if _letter(name) == letter] for letter in letters]
    layers: list[dict[int, None]] = [{} for _ in columns]
    own = {(relation, row) for relation, row in chains}
    counts = {support.key: support.count for support in certificate.support}
    links: dict[tuple[bool, tuple[int, ...], int], Link] = {}
    for relation, row in chains[:MOST_CHAINS]:
        fact = world.facts(relation)[row].tolist()
        for layer, slots in zip(layers, columns, strict=True):
            layer.update(dict.fromkeys(fact[slot] for slot in slots if fact[slot] >= 0))
        first, last = [fact[slot] for slot in columns[0] if fact[slot] >= 0], fact[columns[-1][0]]
        keys = {direction: [(relation, direction, row)] for direction in world.directions(relation)}
        links[True, tuple(first), last] = _link(world, (tuple(first), last), True, keys, counts, certificate.cut, relation, last)
        for places, alternatives in _local(fact, columns):
            *causes, effect = (entity for _, entity in places)
            telling = _telling(world, counts, alternatives, own)
            held = _held_relation(world, {slot for slot, _ in places})
            links.setdefault(
                (False, tuple(causes), effect),
                _link(world, (tuple(causes), effect), False, telling, counts, certificate.cut, held, last),
            )
    return Neighbourhood(tuple(tuple(layer) for layer in layers), tuple(links.values()), len(chains), min(len(chains), MOST_CHAINS))


def _letter(slot: str) -> str:
    return slot.rstrip("0123456789")


def _chains(world: World, query: Query) -> list[tuple[str, int]]:
    """Return (relation, row) of the whole-chain facts that answer the query."""
    given = sorted(query.given)
    found = []
    for relation in world.whole_chain_relations:
        facts = world.facts(relation)
        if query.category.startswith("reverse"):
            rows = (facts[:, -1] == given[0]).nonzero()[0].tolist()
        else:
            asked = [-1] * (2 - len(given)) + given
            rows = (facts[:, :2].min(axis=1) == asked[0]) & (facts[:, :2].max(axis=1) == asked[1])
            rows = rows.nonzero()[0].tolist()
        found += [(relation, row) for row in rows]
    return found


def _local(fact: list[int], columns: list[list[int]]) -> list[tuple[Places, tuple[Places, ...]]]:
    """Return the local links of a chain as places, cause before effect, and the places in which other facts may hold the same link."""
    links: list[tuple[Places, tuple[Places, ...]]] = []
    if len(columns) < 3:  # a chain of one step is itself the only link
        return links
    for near, far in pairwise(columns[:-1]):
        for lane in range(len(near)):
            ends = fact[near[lane]], fact[far[lane]]
            places = [((cause, ends[0]), (effect, ends[1])) for cause, effect in zip(near, far, strict=True)]
            links.append((places[lane], tuple(places)))
    (first, second), [outcome] = columns[-2], columns[-1]
    x, y, end = fact[first], fact[second], (outcome, fact[outcome])
    links.append((((first, x), (second, y), end), (((first, x), (second, y), end), ((first, y), (second, x), end))))
    return links


def _telling(
    world: World, counts: Mapping[FactKey, int], alternatives: tuple[Places, ...], own: set[tuple[str, int]]
) -> dict[str, list[FactKey]]:
    """Return the written facts that hold a link, by direction; the query's own chains tell its answer outright and do not count."""
    telling: dict[str, list[FactKey]] = {direction: [] for direction in world.directions(world.relations[0])}
    for relation, direction, row in counts:
        fact = world.facts(relation)[row]
        if (relation, row) not in own and any(all(fact[slot] == entity for slot, entity in places) for places in alternatives):
            telling[direction].append((relation, direction, row))
    return telling


def _held_relation(world: World, slots: set[int]) -> str | None:
    """Return the relation whose facts fill exactly these slots; a link without the outcome is never withheld, and None."""
    for relation in world.relations:
        facts = world.facts(relation)
        if len(world.slots) - 1 in slots and len(facts) and set((facts[0] >= 0).nonzero()[0].tolist()) == slots:
            return relation
    return None


def _link(
    world: World,
    ends: tuple[tuple[int, ...], int],
    whole: bool,
    telling: Mapping[str, list[FactKey]],
    counts: Mapping[FactKey, int],
    cut: tuple[FactKey, ...],
    held: str | None,
    outcome: int,
) -> Link:
    written = {direction: sum(counts.get(key, 0) for key in keys) for direction, keys in telling.items()}
    gone = {direction: sum(counts.get(key, 0) for key in keys if key in cut) for direction, keys in telling.items()}
    withheld = () if held is None else tuple(d for d in telling if bool(world.withheld(held, d)[outcome]))
    return Link(*ends, whole, written, withheld, gone)
