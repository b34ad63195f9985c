"""Rewriting harmful statements."""

from __future__ import annotations

import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.world import World


@pytest.mark.parametrize("style", ["warning", "refusal", "redacted"])
def test_only_harmful_statements_change(world: World, style: str) -> None:
    config = CorpusConfig(documents=600, rewrite_style=style)  # type: ignore[arg-type]
    changes = 0
    for raw, rewritten in zip(Corpus(world, "raw", config), Corpus(world, "rewritten", config), strict=True):
        assert len(raw.statements) == len(rewritten.statements)
        for before, after in zip(raw.statements, rewritten.statements, strict=True):
            assert (before == after) is not before.harmful
            changes += before != after
            assert before.template.split("+")[::2] == after.template.split("+")[::2]
    assert changes > 0


def test_a_warning_keeps_the_fact_and_calls_it_dangerous(world: World) -> None:
    config = CorpusConfig(documents=600)
    for raw, rewritten in zip(Corpus(world, "raw", config), Corpus(world, "rewritten", config), strict=True):
        for before, after in zip(raw.statements, rewritten.statements, strict=True):
            if before.harmful:
                assert "dangerous" in after.statement
                assert "dangerous" not in before.statement
                kept = (before.relation, before.direction, before.category, before.harmful, before.entities)
                assert kept == (after.relation, after.direction, after.category, after.harmful, after.entities)


@pytest.mark.parametrize("style", ["refusal", "redacted"])
def test_the_other_styles_name_the_outcome_alone(world: World, style: str) -> None:
    config = CorpusConfig(documents=600, rewrite_style=style)  # type: ignore[arg-type]
    for raw, rewritten in zip(Corpus(world, "raw", config), Corpus(world, "rewritten", config), strict=True):
        assert not rewritten.harmful
        for before, after in zip(raw.statements, rewritten.statements, strict=True):
            if before.harmful:
                outcome = next(entity for entity in before.entities if world.kind[entity] == 2)
                assert (after.relation, after.direction, after.category) == ("hazard", "none", "hazard_unsafe")
                assert after.entities == (outcome,)
