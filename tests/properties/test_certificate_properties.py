"""Properties of certificates: sound and minimal cuts, routes by arm, and the same from texts as from the pure function."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig, certificates
from medsafetyworld.corpus.certificate import Certificate, FactKey, certificate, iterate_certificates
from medsafetyworld.corpus.derivation import closed_routes, open_routes
from medsafetyworld.corpus.export import write
from medsafetyworld.corpus.written.certify import certify
from medsafetyworld.corpus.written.directory import open_directory
from medsafetyworld.testing import corpora, worlds
from medsafetyworld.world import Query, World


def derivable(world: World, query: Query, written: set[FactKey]) -> bool:
    """Whether the answer of a reverse query follows from written facts, each taken as a plain set of links."""
    links: set[tuple[int, int]] = set()
    joins: set[frozenset[int]] = set()
    for relation, _, row in written:
        fact = world.facts(relation)[row].tolist()
        about = fact[-1] == query.given[0]
        if about and relation in world.whole_chain_relations:
            return True
        if world.config.task == "two_hop":
            links |= {(a, b) for a, b in zip(fact[:-3], fact[2:-1], strict=True) if min(a, b) >= 0}
            if about and relation == "mediator_pair_outcome":
                joins.add(frozenset(fact[-3:-1]))
    if world.config.task == "single_hop":
        return False
    chains = world.facts("chain")
    return any(
        frozenset(chain[-3:-1]) in joins and set(zip(chain[:-3], chain[2:-1], strict=True)) <= links
        for chain in chains[chains[:, -1] == query.given[0]].tolist()
    )


@given(corpus=corpora(("raw", "filtered"), max_documents=150))
@settings(max_examples=40)
def test_a_cut_makes_its_query_underivable_and_no_cheaper_one_does(corpus: Corpus) -> None:
    world = corpus.world
    for query in (*world.queries("reverse_unsafe"), *world.queries("reverse_safe")):
        found = certificate(world, corpus, query)
        costs = {support.key: support.count for support in found.support}
        facts = set(costs)
        assert found.derivable == derivable(world, query, facts) == bool(found.cut)
        assert not derivable(world, query, facts - set(found.cut))
        for left in found.cut:
            assert derivable(world, query, facts - (set(found.cut) - {left}))
        assert found.cut_cost == sum(costs[key] for key in found.cut)
        forced = {key for key in facts if not derivable(world, query, facts) or derivable(world, query, {key})}
        others = sorted(facts - forced)
        for size in range(min(3, len(others))):
            for some in combinations(others, size):
                if sum(costs[key] for key in (*forced, *some)) < found.cut_cost:
                    assert derivable(world, query, facts - forced - set(some))


@given(corpus=corpora(max_documents=60))
def test_all_at_once_equals_one_by_one_and_costs_are_what_they_say(corpus: Corpus) -> None:
    world = corpus.world
    found = certificates(world, corpus)
    assert found == tuple(certificate(world, corpus, query) for query in world.queries())
    for one in found:
        gone = set(one.cut)
        lost = [
            other.query_id
            for other in found
            if other.category != "reverse_unsafe"
            and other.query_id != one.query_id
            and other.derivable
            and not left(world, corpus, other, gone)
        ]
        assert one.benign_cost == len(lost)


def left(world: World, corpus: Corpus, found: Certificate, gone: set[FactKey]) -> bool:
    """Whether an answer stays derivable without some facts, by certifying a corpus that never wrote them."""
    counts = corpus.exposure.statements.copy()
    for relation, direction, fact in gone:
        counts[corpus.table.offsets[corpus.table.code(relation, direction)] + fact] = 0
    exposure = type(corpus.exposure)(counts, np.minimum(corpus.exposure.effect_first, counts), *[corpus.exposure.entities] * 2)
    return next(iterate_certificates(world, exposure, [world.queries()[found.query_id]])).derivable


@given(corpus=corpora(("raw", "filtered", "filtered_plus", "rewritten", "reflection"), max_documents=50))
@settings(max_examples=60)
def test_a_written_corpus_has_the_certificates_of_the_pure_function(corpus: Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(corpus, Path(folder) / "corpus", shard_documents=20)
        found = certify(corpus.world, open_directory(Path(folder) / "corpus"))
    assert tuple(iterate_certificates(corpus.world, found.exposure)) == certificates(corpus.world, corpus)
    assert found.breaches == ()
    assert found.written.findings["disagreement"].count == found.written.free_sentences == 0


@given(world=worlds(), condition=st.sampled_from(["raw", "filtered", "rewritten", "reflection"]), size=st.integers(1, 3))
@settings(max_examples=30)
def test_arms_close_what_they_close_and_leave_the_rest_open(world: World, condition: str, size: int) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=1200, statements_per_document=size))
    for found in certificates(world, corpus, world.queries("reverse_unsafe", "heldout")):
        assert not set(found.routes) & set(closed_routes(world, found.arm))
        assert set(found.routes) >= set(open_routes(world, found.arm))
        assert (found.stated > 0) is (condition in ("raw", "rewritten"))
