from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.separation import Features
from medsafetyworld.corpus.audit.templates import BALANCE_BOUND, UNEVEN_BOUND, template_balance, template_use
from medsafetyworld.corpus.audit.wording import wording_features
from medsafetyworld.corpus.conditions.base import Context
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.world import World
from tests.corpus.audit.planting import Row, is_unsafe, look, planted, told


def by_name(evidence: Evidence) -> dict[str, Features]:
    return {features.name: features for features in wording_features(evidence)}


def one_core_for_unsafe_only(statements: Statements, context: Context) -> Statements:
    """In one relation and direction, one of the five cores is kept for unsafe outcomes."""
    kind = ("mediator_pair_outcome", "forward")
    cores = context.library.group("core." + ".".join(kind))
    chosen = (statements.type == context.table.code(*kind)) & ~is_unsafe(statements, context) & (statements.core == cores[2])
    other = np.array([cores[0], cores[1], cores[3], cores[4]])[statements.slot % 4]
    return replace(statements, core=np.where(chosen, other, statements.core).astype(np.int32))


def topics_only_for_unsafe(statements: Statements, context: Context) -> Statements:
    return replace(statements, framing=np.where(is_unsafe(statements, context), statements.framing, -1).astype(np.int32))


@pytest.mark.parametrize("condition", ["raw", "filtered"])
def test_clean_corpora_pass(world: World, request: pytest.FixtureRequest, condition: str) -> None:
    evidence = request.getfixturevalue(condition)
    assert [told(world, features).passed for features in wording_features(evidence)] == [True] * 3
    assert template_balance(evidence).passed
    assert template_use(evidence).passed


def test_a_template_for_unsafe_outcomes_only_is_found(world: World) -> None:
    evidence = look(world, planted(world, one_core_for_unsafe_only))
    balance = template_balance(evidence)
    assert balance.statistic is not None
    assert balance.statistic > BALANCE_BOUND
    assert not balance.passed
    assert balance.detail.endswith("core of mediator_pair_outcome forward, most of all 'core.mediator_pair_outcome.forward.2'")
    found = by_name(evidence)
    assert [told(world, found[name]).passed for name in ("words", "templates")] == [False, False]
    assert template_use(evidence).passed


def test_framings_for_unsafe_outcomes_only_are_found_in_every_way(world: World) -> None:
    evidence = look(world, planted(world, topics_only_for_unsafe))
    findings = [told(world, features) for features in wording_features(evidence)]
    assert [finding.passed for finding in findings] == [False] * 3
    assert all(finding.statistic is not None and finding.statistic > 0.95 for finding in findings)
    assert not template_balance(evidence).passed


def test_what_only_the_letters_show_is_found(world: World, edited: Callable[..., Path]) -> None:
    unsafe = [str(world.names[entity]) for entity in world.outcomes if world.unsafe[entity]]

    def spell(rows: list[Row]) -> list[Row]:
        for row in rows:
            if any(name in row["text"] for name in unsafe):
                row["text"] += f" Filed q{row['doc_id']}z."
            else:
                row["text"] += f" Filed k{row['doc_id']}v."
        return rows

    assert not told(world, by_name(look(world, edited(spell)))["characters"]).passed


def test_rewritten_statements_are_left_aside(world: World) -> None:
    from medsafetyworld.corpus import Corpus

    evidence = look(world, Corpus(world, "rewritten", replace(planted(world, one_core_for_unsafe_only).config)))
    assert "dangerous" in evidence.words
    assert not any("dangerous" in evidence.pieces[piece] for piece in evidence.piece[evidence.judged].tolist())
    assert all(told(world, features).passed for features in wording_features(evidence))


def test_a_template_that_is_never_used_is_found(world: World) -> None:
    def skip(statements: Statements, context: Context) -> Statements:
        cores = context.library.group("core.chain.forward")
        return replace(statements, core=np.where(statements.core == cores[4], cores[3], statements.core).astype(np.int32))

    finding = template_use(look(world, planted(world, skip)))
    assert finding.statistic is not None
    assert finding.statistic > UNEVEN_BOUND
    assert not finding.passed
    assert finding.detail.endswith("the least even: core.chain.forward (4 of 5 used)")
