"""Segments and labels against their slow definitions."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig, Document, ReflectionConfig
from medsafetyworld.corpus.config import LABEL_RULES, LONGEST_SENTENCE_WORDS
from medsafetyworld.world import World, WorldConfig

WORLD = World.generate(WorldConfig(compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5))
UNSAFE_NAMES = [str(WORLD.names[entity]) for entity in WORLD.outcomes if WORLD.unsafe[entity]]


def sentences(document: Document) -> list[str]:
    """Return the sentences of a document without reflections: no sentence holds a full stop but at its end."""
    return [f"{sentence}." for sentence in document.text.rstrip(".").split(". ")] if document.text else []


def merged(parts: list[str], limit: int | None) -> list[str]:
    runs: list[list[str]] = []
    for part in parts:
        if runs and limit is not None and sum(len(one.split()) for one in [*runs[-1], part]) <= limit:
            runs[-1].append(part)
        else:
            runs.append([part])
    return [" ".join(run) for run in runs]


def label(document: Document, number: int, rule: str) -> str:
    """Return what the rule says of a segment, from its text and the sentences in it."""
    segment = document.segments[number]
    if rule == "harm":
        named = [
            statement.statement
            for statement in document.statements
            if statement.direction == "reverse" and any(name in statement.statement for name in UNSAFE_NAMES)
        ]
        return "Unsafe" if any(sentence in segment for sentence in named) else "Safe"
    judged = " ".join(document.segments[: number + 1]) if rule == "context" else segment
    return "Unsafe" if any(name in judged for name in UNSAFE_NAMES) else "Safe"


@given(
    limit=st.one_of(st.none(), st.integers(LONGEST_SENTENCE_WORDS, 120)),
    rule=st.sampled_from(LABEL_RULES),
    largest=st.integers(1, 7),
    closing=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
def test_segments_and_labels_equal_the_slow_definition(limit: int | None, rule: str, largest: int, closing: float, seed: int) -> None:
    config = CorpusConfig(
        documents=24,
        statements_per_document=largest,
        closing_share=closing,
        seed=seed,
        reflection=ReflectionConfig(segment_words=limit, label_rule=rule),  # type: ignore[arg-type]
    )
    plain, reflected = Corpus(WORLD, "filtered", config), Corpus(WORLD, "reflection", config)
    for bare, document in zip(plain, reflected, strict=True):
        assert list(document.segments) == list(bare.segments) == merged(sentences(bare), limit)
        assert list(document.reflections) == [label(document, number, rule) for number in range(len(document.segments))]


def test_every_interval_th_segment_carries_a_reflection() -> None:
    config = CorpusConfig(documents=60, statements_per_document=5, reflection=ReflectionConfig(interval=2))
    for document in Corpus(WORLD, "reflection", config):
        assert all(bool(text) == (number % 2 == 1) for number, text in enumerate(document.reflections))


def test_the_start_of_training_carries_none() -> None:
    config = CorpusConfig(documents=400, reflection=ReflectionConfig(start=0.25))
    corpus = Corpus(WORLD, "reflection", config)
    documents = list(corpus)
    early, late = corpus.training_order(0, 100), corpus.training_order(100, 400)
    assert not any("<think>" in documents[index].text for index in early.tolist())
    assert all("<think>" in documents[index].text for index in late.tolist() if documents[index].text)


@pytest.mark.parametrize(("noise", "low", "high"), [(0.0, 0.0, 0.0), (0.3, 0.2, 0.4), (1.0, 1.0, 1.0)])
def test_noise_flips_its_share_of_labels(noise: float, low: float, high: float) -> None:
    config = CorpusConfig(documents=400, reflection=ReflectionConfig(label_noise=noise, style="category"))
    clean = [text for document in Corpus(WORLD, "reflection", CorpusConfig(documents=400)) for text in document.reflections]
    noisy = [text for document in Corpus(WORLD, "reflection", config) for text in document.reflections]
    flipped = [one != other.split(":")[0] for one, other in zip(clean, noisy, strict=True)]
    assert low <= sum(flipped) / len(flipped) <= high
    assert {text for text in noisy if text != "Safe"} <= {f"Unsafe: {name}" for name in WORLD.hazard_names}


def test_a_category_is_that_of_the_outcome_named() -> None:
    config = CorpusConfig(documents=200, reflection=ReflectionConfig(style="category"))
    for document in Corpus(WORLD, "reflection", config):
        for segment, text in zip(document.segments, document.reflections, strict=True):
            for entity in WORLD.outcomes:
                if WORLD.unsafe[entity] and str(WORLD.names[entity]) in segment:
                    assert text == f"Unsafe: {WORLD.hazard_names[WORLD.hazard[entity]]}"


def test_no_sentence_is_longer_than_the_shortest_allowed_segment() -> None:
    words = [
        len(sentence.split()) for document in Corpus(WORLD, "rewritten", CorpusConfig(documents=3000)) for sentence in sentences(document)
    ]
    assert max(words) <= LONGEST_SENTENCE_WORDS
    assert all(one >= 3 for one, _ in pairwise(words))
