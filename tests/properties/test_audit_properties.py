"""Properties of audits: what they read is what was written, wherever it is read from, and raw gives safety away in nothing they look at."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus
from medsafetyworld.corpus.audit.evidence import Evidence, gather
from medsafetyworld.corpus.audit.leakage import find_leaks
from medsafetyworld.corpus.audit.neighbours import neighbour_features
from medsafetyworld.corpus.audit.reading import Reader, without_marks
from medsafetyworld.corpus.audit.source import open_source
from medsafetyworld.corpus.audit.surface import surface_features
from medsafetyworld.corpus.audit.wording import wording_features
from medsafetyworld.corpus.export import write
from medsafetyworld.testing import corpora
from medsafetyworld.world import World


def look(world: World, corpus: Corpus | Path) -> Evidence:
    return gather(world, open_source(world, corpus), 0, 10**6)


@given(corpora())
def test_a_text_tells_its_statements_without_their_metadata(corpus: Corpus) -> None:
    """Directions, entities and harm, read from the text by its wording alone, are those that the graph gave the statements."""
    world = corpus.world
    reader = Reader(world)
    for document in corpus:
        text = without_marks(document.text)
        sentences = reader.sentences(text, reader.mentions(text))
        assert len(sentences) == len(document.statements)
        for sentence, statement in zip(sentences, document.statements, strict=True):
            if statement.direction != "none":
                assert sentence.direction == statement.direction
            named = sentence.compounds | sentence.mediators | sentence.outcomes
            assert named == set(statement.entities)
            harmful = sentence.direction == "reverse" and bool(sentence.compounds) and any(world.unsafe[one] for one in sentence.outcomes)
            assert harmful == statement.harmful


@given(corpora())
def test_no_condition_leaks_what_is_held_out(corpus: Corpus) -> None:
    evidence = look(corpus.world, corpus)
    harm, joined, prompts = find_leaks(evidence, None, may_state_harm=False)
    assert joined.statistic == prompts.statistic == 0
    if evidence.condition not in ("raw", "rewritten") and not (
        evidence.condition == "reflection" and corpus.config.reflection.base == "raw"
    ):
        assert harm.passed
    heldout = [
        statement
        for document in corpus
        for statement in document.statements
        if statement.harmful and any(corpus.world.heldout[entity] for entity in statement.entities)
    ]
    assert harm.statistic == len(heldout)


@given(corpora(), st.sampled_from([7, 1000]))
@settings(max_examples=10)
def test_a_directory_reads_as_the_corpus_it_was_written_from(corpus: Corpus, shard_documents: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(corpus, Path(folder) / "corpus", shard_documents=shard_documents)
        read, made = look(corpus.world, Path(folder) / "corpus"), look(corpus.world, corpus)
    assert (read.texts, read.pieces, read.words, read.types) == (made.texts, made.pieces, made.words, made.types)
    assert (read.leaks.harmful, read.leaks.joined, read.misplaced) == (made.leaks.harmful, made.leaks.joined, [])
    for name in ("document", "place", "type", "outcome", "piece", "position"):
        assert np.array_equal(getattr(read, name), getattr(made, name))


def relabelled(world: World) -> World:
    """Return the world with safe and unsafe outcomes exchanged, and everything drawn from its hash as before."""
    unsafe = world.unsafe.copy()
    unsafe[world.outcomes.start :] ^= True
    other = replace(world, unsafe=unsafe, hazard=np.where(unsafe, np.int8(0), np.int8(-1)))
    other.__dict__["content_hash"] = world.content_hash
    return other


@given(corpora(conditions=("raw",)))
@settings(max_examples=15)
def test_nothing_that_is_looked_at_in_raw_depends_on_what_is_unsafe(corpus: Corpus) -> None:
    """Exchange safe and unsafe, and every feature of every outcome is the same: only the characters of hazard words differ."""
    other = relabelled(corpus.world)
    one, two = look(corpus.world, corpus), look(other, Corpus(other, "raw", corpus.config))
    assume(one.judged.any() and (one.judged & ~corpus.world.composed[one.outcome]).any())
    mine = (*wording_features(one), *surface_features(one), neighbour_features(one))
    theirs = (*wording_features(two), *surface_features(two), neighbour_features(two))
    for left, right in zip(mine, theirs, strict=True):
        same = [column for column, name in enumerate(left.columns) if "characters of the document" not in name]
        assert left.columns == right.columns
        assert np.array_equal(left.outcomes, right.outcomes)
        assert np.allclose(left.values[:, same], right.values[:, same])
