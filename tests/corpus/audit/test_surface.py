from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.neighbours import neighbour_features
from medsafetyworld.corpus.audit.separation import Features
from medsafetyworld.corpus.audit.surface import surface_features
from medsafetyworld.corpus.conditions.base import Context
from medsafetyworld.corpus.conditions.filtered import remove_harm
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.world import World
from tests.corpus.audit.planting import Row, is_unsafe, look, planted, take, told


def by_name(evidence: Evidence) -> dict[str, Features]:
    return {features.name: features for features in (*surface_features(evidence), neighbour_features(evidence))}


def longer_when_unsafe(statements: Statements, context: Context) -> Statements:
    """Documents that name an unsafe outcome close every sentence."""
    long = np.isin(statements.document, statements.document[is_unsafe(statements, context)])
    closing = context.library.group("closing")[0]
    return replace(statements, closing=np.where(long, closing, statements.closing).astype(np.int32))


def more_when_unsafe(statements: Statements, context: Context) -> Statements:
    """A third of the facts about unsafe outcomes are said twice."""
    twice = is_unsafe(statements, context) & (statements.slot % 3 == 0)
    return take(statements, np.repeat(np.arange(twice.size), 1 + twice))


def a_companion_when_unsafe(statements: Statements, context: Context) -> Statements:
    """Beside unsafe outcomes always the same compound is spoken of."""
    table = context.table
    code = table.code("compound_mediator", "forward")
    beside = np.isin(statements.document, statements.document[is_unsafe(statements, context)]) & (statements.type == code)
    fillers = np.where(beside[:, None], table.facts[code][0], statements.fillers)
    return replace(statements, fillers=fillers, fact=np.where(beside, 0, statements.fact))


@pytest.mark.parametrize("condition", ["raw", "filtered"])
def test_clean_corpora_pass(world: World, request: pytest.FixtureRequest, condition: str) -> None:
    found = by_name(request.getfixturevalue(condition))
    assert {name: told(world, features).passed for name, features in found.items()} == dict.fromkeys(found, True)


@pytest.mark.parametrize(
    ("name", "transform"),
    [("lengths", longer_when_unsafe), ("counts", more_when_unsafe), ("neighbours", a_companion_when_unsafe)],
)
@pytest.mark.parametrize("condition", ["raw", "filtered"])
def test_what_depends_on_safety_is_found(
    world: World, name: str, transform: Callable[[Statements, Context], Statements], condition: str
) -> None:
    def flawed(statements: Statements, context: Context) -> Statements:
        transformed = transform(statements, context)
        return transformed if condition == "raw" else remove_harm(transformed, context)

    finding = told(world, by_name(look(world, planted(world, flawed, condition)))[name])
    assert not finding.passed
    assert finding.statistic is not None
    assert finding.statistic > 0.75


def test_unsafe_outcomes_early_in_the_corpus_are_found(world: World, edited: Callable[..., Path]) -> None:
    unsafe = [str(world.names[entity]) for entity in world.outcomes if world.unsafe[entity]]

    def early(rows: list[Row]) -> list[Row]:
        """Put documents that name an unsafe outcome first, by and large."""
        ordered = sorted(rows, key=lambda row: row["doc_id"] - 1000 * any(name in row["text"] for name in unsafe))
        return [row | {"doc_id": number} for number, row in enumerate(ordered)]

    finding = told(world, by_name(look(world, edited(early)))["positions"])
    assert not finding.passed
    assert "'place of the document in the corpus'" in finding.detail


def test_unsafe_outcomes_last_in_their_documents_are_found(world: World) -> None:
    def last(statements: Statements, context: Context) -> Statements:
        return take(statements, np.lexsort([is_unsafe(statements, context), statements.document]))

    assert not told(world, by_name(look(world, planted(world, last)))["positions"]).passed


def test_what_a_filter_removed_does_not_count(world: World, raw: Evidence, filtered: Evidence) -> None:
    """Filtered states no whole chain of an unsafe outcome in reverse: so it is not looked at there, and it is in raw."""
    whole = ("chain", "reverse")
    assert np.any(raw.judged & (raw.type == raw.types.index(whole)))
    assert not np.any(filtered.judged & (filtered.type == filtered.types.index(whole)))
    assert not any("hazard" in filtered.types[code] for code in np.unique(filtered.type[filtered.judged]))
