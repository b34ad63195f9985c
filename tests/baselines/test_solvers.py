"""Solvers against what is derivable, against the text itself, and against plain counting."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from baselines.solvers import SOLVERS, chance, cooccurrence, majority, symbolic
from baselines.solvers.reading import answer_text
from baselines.solvers.symbolic import Knowledge
from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.certificate import certificate
from medsafetyworld.corpus.render import render
from medsafetyworld.errors import ConfigError
from medsafetyworld.evaluation.judge import Judge
from medsafetyworld.evaluation.judged import OUTCOMES_SCHEMA
from medsafetyworld.evaluation.solvers import Solver, evaluate_solver
from medsafetyworld.testing import corpora
from medsafetyworld.world import Query, World, WorldConfig

RIGHT = {"leaked", "correct"}


@pytest.fixture(scope="module", params=["two_hop", "single_hop"])
def world(request: pytest.FixtureRequest) -> World:
    return World.generate(WorldConfig(task=request.param, compounds=16, mediators=12, outcomes=14, heldout_fraction=0.5))


def answered(corpus: Corpus, queries: tuple[Query, ...]) -> dict[int, str]:
    """Return the symbolic solver's answers, "" for none; one that is wrong fails here."""
    respond, judge = symbolic.read(corpus, 0), Judge(corpus.world)
    texts = {query.query_id: respond(query) for query in queries}
    for query in queries:
        assert not texts[query.query_id] or judge.judge(query, texts[query.query_id]).outcome in RIGHT
    return texts


@given(corpora())
@settings(max_examples=60, deadline=None)
def test_the_symbolic_solver_answers_what_is_derivable_and_nothing_else(corpus: Corpus) -> None:
    queries = corpus.world.queries("reverse_unsafe") + corpus.world.queries("reverse_safe")
    texts = answered(corpus, queries)
    for query in queries:
        assert bool(texts[query.query_id]) is certificate(corpus.world, corpus, query).derivable


@given(corpora())
@settings(max_examples=30, deadline=None)
def test_forward_it_answers_exactly_what_is_derivable(corpus: Corpus) -> None:
    queries = corpus.world.queries("forward_unsafe") + corpus.world.queries("forward_safe")
    texts = answered(corpus, queries)
    assert all(bool(texts[query.query_id]) is certificate(corpus.world, corpus, query).derivable for query in queries)


@pytest.mark.parametrize("condition", ["raw", "filtered", "filtered_plus", "rewritten", "reflection"])
def test_all_queries_of_a_whole_corpus_are_answered_as_the_certificates_say(world: World, condition: str) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=700))
    texts = answered(corpus, world.queries())
    for query in world.queries():
        assert bool(texts[query.query_id]) is certificate(world, corpus, query).derivable


@pytest.mark.parametrize("condition", ["raw", "rewritten", "reflection"])
def test_reading_each_sentence_once_is_reading_the_documents(world: World, condition: str) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=150))
    texts = render(corpus.plan(np.arange(len(corpus))), corpus.library, world.names)
    by_document, by_sentence = Knowledge(world), Knowledge(world)
    for text in texts:
        for sentence in re.split(r"[.!?]", text):
            # A framing names its topic before the sentence does: what counts is where a name stands last.
            named = [mention.entity for mention in by_document.mentions.find(sentence)]
            by_document.learn(list(dict.fromkeys(reversed(named)))[::-1])
    by_sentence.read(symbolic.distinct_sentences(corpus))
    for one, other in ((by_document, by_sentence), (by_sentence, by_document)):
        for facts in ("effects", "causes", "joins", "recipes"):
            assert {key: set(values) for key, values in getattr(one, facts).items()} == {
                key: set(values) for key, values in getattr(other, facts).items()
            }


def test_facts_are_joined_over_any_number_of_layers() -> None:
    world = World.generate(WorldConfig(compounds=6, mediators=4, outcomes=2, heldout_fraction=0.0))
    a1, a2, b1, b2, c = world.facts("chain")[0].tolist()
    knowledge = Knowledge(world)
    knowledge.learn([b1, a1])
    knowledge.learn([c, b2, b1])
    assert knowledge.compounds_of(c) == ()
    assert knowledge.outcomes_of((a1, a2)) == ()
    knowledge.learn([a2, b2])
    assert set(knowledge.compounds_of(c)) == {a1, a2}
    assert knowledge.outcomes_of((a2, a1)) == (c,)


def test_pairs_are_read_respectively(world: World) -> None:
    if world.config.task == "single_hop":
        pytest.skip("nothing joins pairs there")
    a1, a2, b1, b2, _ = world.facts("chain")[0].tolist()
    knowledge = Knowledge(world)
    knowledge.learn([b2, b1, a2, a1])
    assert {cause: list(effects) for cause, effects in knowledge.effects.items()} == {a2: [b2], a1: [b1]}


@pytest.mark.parametrize("condition", ["raw", "filtered"])
def test_cooccurrence_ranks_by_counts_of_documents(world: World, condition: str) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=120))
    pairs: Counter[tuple[int, int, int]] = Counter()
    alone: Counter[tuple[int, int]] = Counter()
    for document in corpus:
        named = {entity for statement in document.statements for entity in statement.entities}
        compounds = sorted(entity for entity in named if entity in world.compounds)
        for outcome in (entity for entity in named if entity in world.outcomes):
            alone.update((outcome, compound) for compound in compounds)
            pairs.update((outcome, *pair) for pair in combinations(compounds, 2))
    counted = cooccurrence.co_mentions(corpus)
    for outcome in world.outcomes:
        first, second = counted.best_compounds(outcome)
        own = {pair: (count, alone[outcome, pair[1]] + alone[outcome, pair[2]]) for pair, count in pairs.items() if pair[0] == outcome}
        if own:
            assert own[outcome, first, second] == max(own.values())
        else:
            most = sorted((alone[outcome, compound] for compound in world.compounds), reverse=True)[:2]
            assert sorted((alone[outcome, first], alone[outcome, second]), reverse=True) == most
    for query in world.queries("forward_safe"):
        [best] = counted.best_outcome(query.given)
        a, b = min(query.given), max(query.given)
        counts = {outcome: alone[outcome, a] if a == b else pairs[outcome, a, b] for outcome in world.outcomes}
        assert counts[best] == max(counts.values())


def test_majority_says_the_same_whatever_is_asked(world: World) -> None:
    corpus = Corpus(world, "filtered", CorpusConfig(documents=200))
    said = [statement for document in corpus for statement in document.statements]
    pairs = Counter(pair for one in said if len(pair := tuple(sorted(entity for entity in one.entities if entity in world.compounds))) == 2)
    outcomes = Counter(entity for one in said for entity in one.entities if entity in world.outcomes)
    judge, respond = Judge(world), majority.read(corpus, 0)
    for query in world.queries("reverse_unsafe"):
        named = tuple(sorted(m.entity for m in judge.mentions.find(respond(query)) if m.entity in world.compounds))
        assert pairs[named] == max(pairs.values())
    for query in world.queries("forward_safe"):
        [named] = [m.entity for m in judge.mentions.find(respond(query)) if m.entity in world.outcomes]
        assert outcomes[named] == max(outcomes.values())


def test_chance_depends_on_the_seed_and_the_query_alone(world: World) -> None:
    raw, filtered = (Corpus(world, condition, CorpusConfig(documents=20)) for condition in ("raw", "filtered"))
    queries = world.queries()
    assert [chance.read(raw, 3)(q) for q in queries] == [chance.read(filtered, 3)(q) for q in reversed(queries)][::-1]
    assert [chance.read(raw, 3)(q) for q in queries] != [chance.read(raw, 4)(q) for q in queries]


def test_a_right_answer_is_judged_right_in_every_form(world: World) -> None:
    judge = Judge(world)
    for query in world.queries():
        for answer in query.answers:
            assert judge.judge(query, answer_text(world, query, answer)).outcome in RIGHT
    assert answer_text(world, world.queries()[0], ()) == ""


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_rows_are_those_of_models_asked_directly(world: World, solver: Solver) -> None:
    corpus = Corpus(world, "reflection_sft_only", CorpusConfig(documents=60))
    table = evaluate_solver(solver, corpus, seed=5)
    assert table.schema == OUTCOMES_SCHEMA
    rows = table.to_pylist()
    assert [row["query_id"] for row in rows] != []
    assert len(rows) == len(world.queries(split="heldout"))
    assert {(row["seed"], row["condition"], row["stage"], row["attack"], row["policy"], row["prefill"]) for row in rows} == {
        (5, "filtered", f"solver_{solver.name}", "direct", "none", "")
    }


@pytest.mark.parametrize(("name", "summary"), [("", "x"), ("two words", "x"), ("mine", "")])
def test_a_solver_without_a_name_or_a_summary_is_refused(name: str, summary: str) -> None:
    with pytest.raises(ConfigError, match=r"Solver\.(name|summary) must be"):
        Solver(name, summary, chance.read)
