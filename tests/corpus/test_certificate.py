"""Certificates against derivation by plain forward chaining over what is written."""

from __future__ import annotations

from itertools import combinations

import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.certificate import Certificate, FactKey, certificate
from medsafetyworld.errors import DataError
from medsafetyworld.world import Query, World, WorldConfig

CONFIG = CorpusConfig(documents=700)
PERMITTED = ("filtered", "reflection", "reflection_sft_only")
CLOSED = {
    "two_hop": {"both": set(), "composition": {"reversal"}, "reversal": {"composition"}, "none": {"reversal", "composition"}},
    "single_hop": {
        "both": set(),
        "reversal": {"cooccurrence"},
        "cooccurrence": {"reversal"},
        "none": {"reversal", "cooccurrence"},
    },
}
OPENABLE = {"two_hop": {"reversal", "composition"}, "single_hop": {"reversal", "cooccurrence"}}


def derivable(world: World, query: Query, written: set[FactKey]) -> bool:
    """Whether the right pairing of compounds and outcome follows from the written facts, each taken as a plain set of links."""
    links: set[tuple[int, int]] = set()
    joins: set[tuple[frozenset[int], int]] = set()
    whole: set[tuple[frozenset[int], int]] = set()
    for relation, _, row in written:
        fact = world.facts(relation)[row].tolist()
        compounds = frozenset(entity for entity in fact[:2] if entity >= 0)
        if relation in world.whole_chain_relations:
            whole.add((compounds, fact[-1]))
        if world.config.task == "two_hop":
            if relation == "chain" and _is_about(query, fact):
                continue
            links |= {(a, b) for a, b in zip(fact[:-3], fact[2:-1], strict=True) if a >= 0 and b >= 0}
            if relation in ("mediator_pair_outcome", "chain"):
                joins.add((frozenset(fact[-3:-1]), fact[-1]))
    for relation in world.whole_chain_relations:
        for fact in world.facts(relation).tolist():
            if not _is_about(query, fact):
                continue
            if (frozenset(entity for entity in fact[:2] if entity >= 0), fact[-1]) in whole:
                return True
            passes = (frozenset(fact[-3:-1]), fact[-1]) in joins and set(zip(fact[:-3], fact[2:-1], strict=True)) <= links
            if world.config.task == "two_hop" and passes:
                return True
    return False


def _is_about(query: Query, fact: list[int]) -> bool:
    if query.category.startswith("reverse"):
        return fact[-1] == query.given[0]
    return {entity for entity in fact[:2] if entity >= 0} == set(query.given)


def written(found: Certificate) -> set[FactKey]:
    return {support.key for support in found.support}


@pytest.mark.parametrize("condition", ["raw", "filtered", "filtered_plus"])
@pytest.mark.parametrize("documents", [40, 700])
def test_the_cut_is_sound_and_no_part_of_it_suffices(world: World, condition: str, documents: int) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=documents))
    for query in world.queries():
        found = certificate(world, corpus, query)
        facts = written(found)
        assert found.derivable == derivable(world, query, facts)
        assert not derivable(world, query, facts - set(found.cut))
        for left in found.cut:
            assert derivable(world, query, facts - (set(found.cut) - {left}))


def test_hops_are_those_of_the_world_and_every_layer_is_needed(three_hop: World) -> None:
    corpus = Corpus(three_hop, "filtered", CONFIG)
    query = next(query for query in three_hop.queries("reverse_unsafe", "heldout") if query.arm == "composition")
    found = certificate(three_hop, corpus, query)
    assert found.hops == 3
    assert {"mediator_mediator", "mediator_pair_mediator_pair", "compound_mediator"} <= {support.relation for support in found.support}


@pytest.mark.parametrize("hops", [2, 3])
def test_no_cheaper_cut_exists(hops: int) -> None:
    world = World.generate(WorldConfig(hops=hops, compounds=5, mediators=4, outcomes=3, heldout_fraction=0.0, unsafe_fraction=0.67))
    corpus = Corpus(world, "filtered", CorpusConfig(documents=120 if hops == 2 else 12))
    for query in world.queries("reverse_unsafe"):
        found = certificate(world, corpus, query)
        costs = {support.key: support.count for support in found.support}
        facts = sorted(costs)
        assert found.cut_cost == sum(costs[key] for key in found.cut)
        for size in range(len(found.cut) + 2):
            for chosen in combinations(facts, size):
                if sum(costs[key] for key in chosen) < found.cut_cost:
                    assert derivable(world, query, set(facts) - set(chosen))


@pytest.mark.parametrize("condition", PERMITTED)
def test_an_arms_closed_routes_are_closed_and_the_others_open(world: World, condition: str) -> None:
    corpus = Corpus(world, condition, CONFIG)
    task = world.config.task
    arms = set()
    for query in world.queries("reverse_unsafe", "heldout"):
        found = certificate(world, corpus, query)
        arms.add(found.arm)
        assert found.stated == 0
        assert set(found.routes) & OPENABLE[task] == OPENABLE[task] - CLOSED[task][found.arm]
        assert ("mixed" in found.routes) is (task == "two_hop")
    assert arms == set(CLOSED[task])


@pytest.mark.parametrize("condition", ["raw", "rewritten"])
def test_raw_and_rewritten_state_the_answer_and_close_the_same_routes(world: World, condition: str) -> None:
    corpus = Corpus(world, condition, CONFIG)
    task = world.config.task
    for query in world.queries("reverse_unsafe", "heldout"):
        found = certificate(world, corpus, query)
        assert found.stated > 0
        assert not set(found.routes) & CLOSED[task][found.arm]


def test_composed_answers_are_stated_nowhere_and_derivable(world: World) -> None:
    corpus = Corpus(world, "raw", CONFIG)
    arms = set()
    for query in world.queries("reverse_safe", "heldout"):
        found = certificate(world, corpus, query)
        arms.add(found.arm)
        assert (found.stated == 0) is (found.arm == "composed")
        assert found.derivable
    assert arms == {"stated", "composed"}


def test_support_counts_statements_and_their_mention_orders(world: World) -> None:
    corpus = Corpus(world, "filtered", CONFIG)
    query = world.queries("reverse_unsafe", "heldout")[0]
    found = certificate(world, corpus, query)
    said = [statement for document in corpus for statement in document.statements]
    for support in found.support:
        same = [one for one in said if (one.relation, one.direction) == (support.relation, support.direction)]
        assert support.count == sum(set(one.entities) == set(support.entities) for one in same)
        assert support.count == support.cause_first + support.effect_first
        if support.direction == "forward":
            assert support.effect_first == 0
        if support.direction == "reverse":
            assert support.cause_first == 0
    for exposure in found.exposure:
        assert exposure.statements == sum(exposure.entity in one.entities for one in said)
        assert exposure.in_whole_chains == sum(
            exposure.entity in one.entities for one in said if one.relation in world.whole_chain_relations
        )


def test_a_corpus_of_another_world_is_refused(worlds: dict[str, World]) -> None:
    one, other = worlds["two_hop"], worlds["single_hop"]
    with pytest.raises(DataError, match="corpus must be of world"):
        certificate(one, Corpus(other, "raw", CONFIG), one.queries()[0])
