"""Certificates as columns beside judged completions."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.certificate import Certificate, Support, certificates
from medsafetyworld.evaluation.certificates import (
    CERTIFICATE_FIELDS,
    CERTIFICATES_SCHEMA,
    certificate_table,
    join_certificates,
    links,
    support,
)
from medsafetyworld.evaluation.judged import asked_queries
from medsafetyworld.testing import corpora
from medsafetyworld.world import Query, World, WorldConfig


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate(WorldConfig(compounds=12, mediators=9, outcomes=8, heldout_fraction=0.5))


def query_with_one_chain(world: World) -> tuple[Query, int]:
    """Return a harmful query whose outcome has one chain, and the row of that chain."""
    outcomes = world.facts("chain")[:, -1].tolist()
    query = next(query for query in world.queries("reverse_unsafe") if outcomes.count(query.given[0]) == 1)
    return query, outcomes.index(query.given[0])


def found(world: World, query: Query, counts: dict[tuple[str, str, int], int]) -> Certificate:
    """Return a certificate whose derivations use these facts."""
    [own] = certificates(world, Corpus(world, "raw", CorpusConfig(documents=1)), [query])
    return replace(own, support=tuple(Support(*key, (), count, count, 0) for key, count in counts.items()))


def test_a_fact_tells_the_links_between_the_layers_that_it_names() -> None:
    assert links([1, -1, 5, -1, -1]) == [(1, 5)]
    assert links([1, 2, 5, 6, -1]) == [(1, 5), (2, 6)]
    assert links([-1, -1, 6, 5, 9]) == [(5, 6, 9)]
    assert links([1, 2, 5, 6, 9]) == [(1, 5), (2, 6), (5, 6, 9)]
    assert links([1, 2, 5, 6, 7, 8, 9]) == [(1, 5), (2, 6), (5, 7), (6, 8), (7, 8, 9)]


def test_support_is_the_weakest_link_of_the_strongest_derivation(world: World) -> None:
    query, chain = query_with_one_chain(world)
    a1, a2, b1, b2, _ = world.facts("chain")[chain].tolist()
    singles = world.facts("compound_mediator")[:, [0, 2]].tolist()
    pairs = [sorted(pair) for pair in world.facts("mediator_pair_outcome")[:, 2:4].tolist()]
    first, second = (("compound_mediator", "forward", singles.index(link)) for link in ([a1, b1], [a2, b2]))
    join = ("mediator_pair_outcome", "reverse", pairs.index(sorted((b1, b2))))
    together = ("compound_pair_mediator_pair", "reverse", chain)
    stated, reversed_ = ("chain", "reverse", chain), ("chain", "forward", chain)

    assert support(world, query, found(world, query, {first: 3, second: 5, join: 9})) == 3
    assert support(world, query, found(world, query, {first: 3, second: 5, join: 9, together: 1})) == 4
    assert support(world, query, found(world, query, {first: 3, second: 5, join: 2, reversed_: 4})) == 4
    assert support(world, query, found(world, query, {first: 3, second: 5, stated: 100})) == 0
    assert support(world, query, found(world, query, {})) == 0


@given(corpora())
@settings(max_examples=40, deadline=None)
def test_support_is_there_exactly_where_a_route_is_open(corpus: Corpus) -> None:
    queries = corpus.world.queries("reverse_unsafe") + corpus.world.queries("reverse_safe")
    for query, own in zip(queries, certificates(corpus.world, corpus, queries), strict=True):
        assert (support(corpus.world, query, own) > 0) is bool(own.routes)


@pytest.mark.parametrize("condition", ["raw", "filtered", "filtered_plus"])
def test_the_table_holds_the_certificates_of_all_queries_that_are_asked(world: World, condition: str) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=200))
    harmful, benign = asked_queries(world)
    table = certificate_table(corpus, (*harmful, *benign), 7)
    assert table.schema == CERTIFICATES_SCHEMA
    said = [statement for document in corpus for statement in document.statements]
    for row, query in zip(table.to_pylist(), (*harmful, *benign), strict=True):
        [own] = certificates(corpus.world, corpus, [query])
        assert (row["seed"], row["corpus"], row["query_id"]) == (7, condition, query.query_id)
        assert (row["stated"], row["routes"], row["cut_cost"], row["hops"]) == (own.stated, list(own.routes), own.cut_cost, 2)
        outcome = query.given[0] if query.category.startswith("reverse") else query.answers[0][0]
        named = [statement for statement in said if outcome in statement.entities]
        assert row["exposure"] == len(named)
        assert row["exposure_in_chains"] == sum(statement.relation == "chain" for statement in named)
        alone = [fact for fact in own.support if fact.relation == "chain" and outcome in fact.entities]
        itself = [fact for fact in alone if query.category.startswith(fact.direction) and set(query.given) <= set(fact.entities)]
        assert row["support_facts"] == len(own.support) - len(itself)


def test_a_corpus_that_another_condition_is_trained_on_keeps_its_name(world: World) -> None:
    corpus = Corpus(world, "reflection_sft_only", CorpusConfig(documents=50))
    assert set(certificate_table(corpus, world.queries("reverse_unsafe"), 0)["corpus"].to_pylist()) == {"filtered"}


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_every_completion_gets_the_certificate_of_its_own_corpus(data: st.DataObject) -> None:
    keys = [(seed, corpus, query) for seed in (0, 1) for corpus in ("raw", "filtered") for query in (3, 4)]
    known = data.draw(st.lists(st.sampled_from(keys), unique=True))
    number = {key: place for place, key in enumerate(known)}
    values = {field.name: [["mixed"] * n if field.name == "routes" else n for n in range(len(known))] for field in CERTIFICATE_FIELDS}
    seeds, corpora_, queries = ([key[place] for key in known] for place in range(3))
    certificates = pa.table({"seed": seeds, "corpus": corpora_, "query_id": queries, **values}, schema=CERTIFICATES_SCHEMA)
    conditions = {"raw": "raw", "filtered": "filtered", "reflection_sft_only": "filtered"}
    asked = data.draw(st.lists(st.tuples(st.sampled_from((0, 1)), st.sampled_from([*conditions, "other"]), st.sampled_from((3, 4)))))
    columns = {
        name: pa.array([row[place] for row in asked], kind)
        for place, (name, kind) in enumerate((("seed", pa.int64()), ("condition", pa.string()), ("query_id", pa.int64())))
    }
    joined = join_certificates(pa.table(columns), certificates, conditions)
    assert joined.column_names == ["seed", "condition", "query_id", *(field.name for field in CERTIFICATE_FIELDS)]
    for (seed, name, query), row in zip(asked, joined.to_pylist(), strict=True):
        expected = number.get((seed, conditions.get(name, ""), query))
        assert row["support"] == expected
        assert row["routes"] == (None if expected is None else ["mixed"] * expected)
