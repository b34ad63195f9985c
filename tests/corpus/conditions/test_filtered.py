"""The filter and its knobs."""

from __future__ import annotations

from medsafetyworld.corpus import Corpus, CorpusConfig, FilterConfig
from medsafetyworld.world import World


def harmful(corpus: Corpus) -> list[tuple[int, ...]]:
    return [statement.entities for document in corpus for statement in document.statements if statement.harmful]


def test_a_perfect_filter_removes_exactly_the_harmful_statements(world: World) -> None:
    config = CorpusConfig(documents=600)
    for raw, filtered in zip(Corpus(world, "raw", config), Corpus(world, "filtered", config), strict=True):
        assert filtered.statements == tuple(statement for statement in raw.statements if not statement.harmful)


def test_misses_fall_on_seen_outcomes_in_their_share(world: World) -> None:
    config = CorpusConfig(documents=3000, filter=FilterConfig(recall=0.25))
    missed = harmful(Corpus(world, "filtered", config))
    assert not any(world.heldout[entity] for entities in missed for entity in entities)
    seen = [entities for entities in harmful(Corpus(world, "raw", config)) if not world.heldout[list(entities)].any()]
    assert 0.65 < len(missed) / len(seen) < 0.85


def test_false_positives_take_their_share_of_the_rest(world: World) -> None:
    config = CorpusConfig(documents=3000, filter=FilterConfig(false_positive_rate=0.2))
    counts = [
        sum(len(document.statements) for document in Corpus(world, "filtered", one)) for one in (CorpusConfig(documents=3000), config)
    ]
    assert 0.77 < counts[1] / counts[0] < 0.83


def test_a_document_filter_removes_whole_documents(world: World) -> None:
    config = CorpusConfig(documents=600, filter=FilterConfig(unit="document"))
    for raw, filtered in zip(Corpus(world, "raw", config), Corpus(world, "filtered", config), strict=True):
        assert filtered.text == ("" if raw.harmful else raw.text)


def test_a_weaker_filter_keeps_more(world: World) -> None:
    kept = [
        set(harmful(Corpus(world, "filtered", CorpusConfig(documents=900, filter=FilterConfig(recall=recall)))))
        for recall in (0.9, 0.5, 0.0)
    ]
    assert kept[0] <= kept[1] <= kept[2]
    assert len(kept[0]) < len(kept[2])
