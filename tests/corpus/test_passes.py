"""Counting by arithmetic against going through the documents."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from medsafetyworld.corpus import Condition, Corpus, CorpusConfig, FilterConfig, passes
from medsafetyworld.corpus.conditions.base import Context
from medsafetyworld.corpus.exposure import count_by_scan
from medsafetyworld.corpus.passes import count_by_arithmetic, counts_by_arithmetic
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.presets import PRESETS
from medsafetyworld.testing import corpora
from medsafetyworld.world import World

CONDITIONS = ("raw", "filtered", "filtered_plus", "rewritten", "reflection", "constant_safe")


@given(corpus=corpora(CONDITIONS, max_documents=400))
@settings(max_examples=150)
def test_arithmetic_equals_a_scan(corpus: Corpus) -> None:
    assume(counts_by_arithmetic(corpus))
    for counted, scanned in zip(count_by_arithmetic(corpus), count_by_scan(corpus), strict=True):
        assert counted.tolist() == scanned.tolist()


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("size", [1, 4])
def test_many_passes_and_a_part_of_one(world: World, condition: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "_CHUNK", 1000)
    config = CorpusConfig(documents=3001, statements_per_document=size, reverse_rate=0.3, cooccurrence_rate=0.4, hazard_statements=2)
    corpus = Corpus(world, condition, config)
    assert counts_by_arithmetic(corpus) is (size == 1 or world.config.task == "single_hop")
    if counts_by_arithmetic(corpus):
        for counted, scanned in zip(count_by_arithmetic(corpus), count_by_scan(corpus), strict=True):
            assert counted.tolist() == scanned.tolist()


@pytest.mark.parametrize(
    ("filtering", "size", "exact"),
    [
        (FilterConfig(), 1, True),
        (FilterConfig(unit="document"), 1, True),
        (FilterConfig(recall=0.9), 1, False),
        (FilterConfig(false_positive_rate=0.1), 1, False),
        (FilterConfig(unit="document"), 2, False),
    ],
)
def test_a_filter_that_draws_or_looks_around_is_not_counted_by_arithmetic(
    single_hop: World, filtering: FilterConfig, size: int, exact: bool
) -> None:
    config = CorpusConfig(documents=10, statements_per_document=size, filter=filtering)
    assert counts_by_arithmetic(Corpus(single_hop, "filtered", config)) is exact
    assert counts_by_arithmetic(Corpus(single_hop, "raw", config))


def test_a_transformation_of_another_package_is_gone_through(two_hop: World) -> None:
    def every_second(statements: Statements, context: Context) -> Statements:
        return statements.where(statements.slot % 2 == 0)

    corpus = Corpus(
        two_hop, Condition("every_second", "Half of raw.", every_second), CorpusConfig(documents=300, statements_per_document=1)
    )
    assert not counts_by_arithmetic(corpus)
    assert int(corpus.exposure.statements.sum()) == 150


def test_the_papers_corpus_is_counted_without_going_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = PRESETS["paper"]
    corpus = Corpus(World.generate(preset.world), "filtered", preset.corpus)
    monkeypatch.setattr(Corpus, "statement_columns", None)
    exposure = corpus.exposure
    raw = Corpus(corpus.world, "raw", preset.corpus)
    assert int(raw.exposure.statements.sum()) == 62_000_000
    chains = corpus.table.code("chain", "reverse")
    harmful = slice(int(corpus.table.offsets[chains]), int(corpus.table.offsets[chains + 1]))
    unsafe = corpus.world.unsafe[corpus.world.facts("chain")[:, -1]]
    assert exposure.statements[harmful][unsafe].sum() == 0
    assert (raw.exposure.statements - exposure.statements).sum() == raw.exposure.statements[harmful][unsafe].sum() > 5_000_000
