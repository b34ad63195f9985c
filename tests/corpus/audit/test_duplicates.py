from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from medsafetyworld.corpus.audit.duplicates import RATIO_BOUND, SHARE_BOUND, equal_documents, near_duplicates
from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.world import World
from tests.corpus.audit.planting import Row, look


def again(rows: list[Row], every: int, several: bool) -> list[Row]:
    """Append a copy of one in `every` documents of one statement or of several."""
    copied = [row for row in rows if (len(row["statement"]) > 1) is several][::every]
    return [*rows, *(row | {"doc_id": 100_000 + number} for number, row in enumerate(copied))]


def test_clean_corpora_pass(raw: Evidence, filtered: Evidence) -> None:
    for evidence in (raw, filtered):
        assert equal_documents(evidence).passed
        assert near_duplicates(evidence, 0).passed


def test_finite_templates_bring_about_what_is_expected_of_them(raw: Evidence) -> None:
    finding = equal_documents(raw)
    assert finding.statistic is not None
    assert finding.interval is not None
    assert finding.interval[0] < 1.2
    assert finding.interval[1] > 0.9


def test_documents_that_were_copied_are_found(world: World, edited: Callable[..., Path]) -> None:
    evidence = look(world, edited(lambda rows: again(rows, 8, several=False)))
    finding = equal_documents(evidence)
    assert finding.statistic is not None
    assert finding.statistic > RATIO_BOUND
    assert not finding.passed
    assert near_duplicates(evidence, 0).passed


def test_documents_that_were_copied_with_a_small_change_are_found(world: World, edited: Callable[..., Path]) -> None:
    def copy(rows: list[Row]) -> list[Row]:
        return [row if row["doc_id"] < 100_000 else row | {"text": row["text"] + " Indeed."} for row in again(rows, 20, several=True)]

    evidence = look(world, edited(copy))
    finding = near_duplicates(evidence, 0)
    assert finding.statistic is not None
    assert SHARE_BOUND < finding.statistic < 0.15
    assert not finding.passed
    assert equal_documents(evidence).passed
