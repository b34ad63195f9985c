"""Control conditions against the methods that they control for."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import entry_points

import numpy as np
import pytest

from baselines import bare_end, constant_safe, variants
from medsafetyworld.corpus import Condition, Corpus, CorpusConfig, ReflectionConfig, condition, resolve
from medsafetyworld.corpus.conditions.registry import ENTRY_POINT_GROUP
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.world import World, WorldConfig

CONFIG = CorpusConfig(documents=300)
OFFERED = (
    constant_safe.CONDITION,
    bare_end.CONDITION,
    variants.REFLECTION_NO_END,
    variants.REFLECTION_HARM,
    variants.REFLECTION_CONTEXT,
    variants.FILTERED_SILENT,
    variants.REFLECTION_SILENT,
)


@pytest.fixture(scope="module", params=["two_hop", "single_hop"])
def world(request: pytest.FixtureRequest) -> World:
    return World.generate(WorldConfig(task=request.param, compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5))


def texts(world: World, method: Condition | str, config: CorpusConfig = CONFIG) -> list[str]:
    return [document.text for document in Corpus(world, method, config)]


@pytest.mark.parametrize("offered", OFFERED, ids=lambda offered: offered.name)
def test_installed_entry_points_name_these_conditions(offered: Condition) -> None:
    if not entry_points(group=ENTRY_POINT_GROUP):
        pytest.skip("the package runs from a source tree without entry points")
    assert condition(offered.name) == offered


def test_constant_safe_is_reflection_with_every_label_safe(world: World) -> None:
    labelled = texts(world, variants.REFLECTION_NO_END)
    assert texts(world, constant_safe.CONDITION) == [text.replace("Unsafe", "Safe") for text in labelled]
    assert any("Unsafe" in text for text in labelled)


def test_constant_safe_has_as_many_tokens_as_reflection_without_end(world: World) -> None:
    one, other = (Corpus(world, method, CONFIG) for method in (constant_safe.CONDITION, variants.REFLECTION_NO_END))
    assert np.array_equal(*(corpus.library.tokens[corpus.plan(np.arange(300)).part] for corpus in (one, other)))


def test_bare_end_ends_where_reflection_does_and_says_nothing_else(world: World) -> None:
    expected = [text.replace(" <think> Safe </think>", "").replace(" <think> Unsafe </think>", "") for text in texts(world, "reflection")]
    assert texts(world, bare_end.CONDITION) == expected
    assert any(END_OF_TEXT in text for text in expected)
    assert [text.replace(f" {END_OF_TEXT}", "") for text in expected] == texts(world, "filtered")


def test_no_end_is_reflection_without_the_token(world: World) -> None:
    assert texts(world, variants.REFLECTION_NO_END) == [text.replace(f" {END_OF_TEXT}", "") for text in texts(world, "reflection")]


@pytest.mark.parametrize(("variant", "rule"), [(variants.REFLECTION_HARM, "harm"), (variants.REFLECTION_CONTEXT, "context")])
def test_label_rules_are_those_of_the_configuration(world: World, variant: Condition, rule: str) -> None:
    config = replace(CONFIG, reflection=ReflectionConfig(label_rule=rule))  # type: ignore[arg-type]
    assert texts(world, variant) == texts(world, "reflection", config)
    assert texts(world, variant) != texts(world, "reflection")


@pytest.mark.parametrize(("variant", "method"), [(variants.FILTERED_SILENT, "filtered"), (variants.REFLECTION_SILENT, "reflection")])
def test_silent_variants_never_say_what_is_dangerous(world: World, variant: Condition, method: str) -> None:
    silent = Corpus(world, variant, CONFIG)
    assert silent.config == resolve(variant, CONFIG) == replace(CONFIG, hazard_statements=0)
    assert [document.text for document in silent] == texts(world, method, replace(CONFIG, hazard_statements=0))
    assert not any(statement.relation == "hazard" for document in silent for statement in document.statements)
