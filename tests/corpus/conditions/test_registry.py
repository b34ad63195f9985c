"""Finding conditions, and one contract that all of them keep, whatever their knobs."""

from __future__ import annotations

import pickle
from dataclasses import replace
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from medsafetyworld.corpus import Condition, Corpus, CorpusConfig, FilterConfig, ReflectionConfig, condition, condition_names, resolve
from medsafetyworld.corpus.conditions import registry
from medsafetyworld.corpus.dialogue import REFUSALS, answers_sentences, respond
from medsafetyworld.corpus.marks import END_OF_TEXT, MARK_PATTERN
from medsafetyworld.corpus.render import render
from medsafetyworld.errors import ConfigError
from medsafetyworld.world import World

KNOBS = {
    "default": CorpusConfig(documents=240),
    "single": CorpusConfig(documents=240, statements_per_document=1, hazard_statements=0),
    "weak filter": CorpusConfig(documents=240, filter=FilterConfig(recall=0.5, false_positive_rate=0.1)),
    "document filter": CorpusConfig(documents=240, filter=FilterConfig(unit="document"), rewrite_style="refusal"),
    "raw base": CorpusConfig(documents=240, reflection=ReflectionConfig(base="raw", style="category"), rewrite_style="redacted"),
    "long segments": CorpusConfig(
        documents=240, statements_per_document=6, reflection=ReflectionConfig(segment_words=60, style="rationale", label_rule="context")
    ),
    "noisy": CorpusConfig(
        documents=240, reflection=ReflectionConfig(label_noise=0.2, interval=2, start=0.3, end_of_text=False, label_rule="harm")
    ),
}


@pytest.mark.parametrize("name", condition_names())
@pytest.mark.parametrize("knobs", KNOBS)
def test_contract(name: str, knobs: str, world: World) -> None:
    config = KNOBS[knobs]
    corpus = Corpus(world, name, config)
    documents = list(corpus)
    assert [document.index for document in documents] == list(range(len(corpus)))
    assert corpus.config == resolve(corpus.source, resolve(corpus.condition, corpus.config))
    assert Corpus(world, corpus.condition, corpus.config)[7] == documents[7]
    assert render(corpus.plan(np.arange(240)), corpus.library, world.names) == [document.text for document in documents]

    raw = list(Corpus(world, "raw", corpus.config))
    keeps_harm = name in ("raw", "rewritten") or (corpus.source.reflects and corpus.config.reflection.base == "raw")
    for document, origin in zip(documents, raw, strict=True):
        plain = MARK_PATTERN.sub("", document.text).replace(f" {END_OF_TEXT}", "")
        assert " ".join(document.segments) == plain
        assert len(document.segments) == len(document.reflections)
        assert bool(document.statements) == bool(document.text)
        kept = [statement for statement in document.statements if statement in origin.statements]
        changed = [statement for statement in document.statements if statement not in origin.statements]
        assert kept == [statement for statement in origin.statements if statement in kept]
        assert not changed or name == "rewritten"
        for statement in document.statements:
            if statement.harmful and not keeps_harm:
                assert not world.heldout[[entity for entity in statement.entities if world.kind[entity] == 2]].any()
                assert corpus.config.filter.recall < 1


@pytest.mark.parametrize("name", condition_names())
def test_pickles_and_describes_itself(name: str) -> None:
    found = condition(name)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.name == name
    assert found.summary.endswith(".")
    assert condition(found.corpus).corpus == found.corpus


@pytest.mark.parametrize("name", condition_names())
@pytest.mark.parametrize("knobs", KNOBS)
def test_responses_hold_the_answer_and_only_known_marks(name: str, knobs: str, world: World) -> None:
    found = condition(name)
    for query in (*world.queries("reverse_safe")[:3], *world.queries("forward_unsafe")[:3], *world.queries("reverse_unsafe")[:3]):
        sentences = answers_sentences(world, query, query.answers[0])
        text = respond(world, found, KNOBS[knobs], query, sentences, refused=False)
        plain = MARK_PATTERN.sub("", " " + text).replace(f" {END_OF_TEXT}", "").strip()
        assert plain == " ".join(sentences)
        refused = respond(world, found, KNOBS[knobs], query, REFUSALS[:1], refused=True)
        assert not any(str(name) in refused for name in world.names)
        assert refused


def test_the_nine_or_more_conditions_of_the_package_come_first() -> None:
    assert condition_names()[:7] == (
        "raw",
        "filtered",
        "filtered_plus",
        "rewritten",
        "reflection",
        "reflection_sft_only",
        "reflection_pretrain_only",
    )
    assert condition("reflection_sft_only").corpus == "filtered"
    assert condition("reflection_sft_only").posttraining == "reflection"
    assert condition("reflection_pretrain_only").corpus == "reflection"
    assert condition("reflection_pretrain_only").posttraining == "plain"


def test_an_unknown_condition_is_told_what_exists() -> None:
    with pytest.raises(ConfigError, match=r"condition must be one of raw, .*Got 'filterd'\. Did you mean 'filtered'\?$") as caught:
        condition("filterd")
    assert "\n" not in str(caught.value)


def offer(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry._offered.cache_clear()
    registry._load.cache_clear()


@pytest.fixture
def _fresh_registry() -> object:
    yield
    registry._offered.cache_clear()
    registry._load.cache_clear()


@pytest.mark.usefixtures("_fresh_registry")
def test_a_name_has_one_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, EntryPoint("raw", "other.module:CONDITION", registry.ENTRY_POINT_GROUP))
    with pytest.raises(ConfigError, match=r"condition 'raw' must have one owner\. Got other\.module:CONDITION and the package itself\."):
        condition_names()
    offer(monkeypatch, *(EntryPoint("mine", f"module_{letter}:CONDITION", registry.ENTRY_POINT_GROUP) for letter in "ab"))
    with pytest.raises(ConfigError, match=r"Got module_b:CONDITION and module_a:CONDITION"):
        condition("mine")


@pytest.mark.usefixtures("_fresh_registry")
def test_an_entry_point_must_name_its_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, EntryPoint("mine", "medsafetyworld.corpus.conditions.raw:CONDITION", registry.ENTRY_POINT_GROUP))
    with pytest.raises(ConfigError, match="entry point 'mine'"):
        condition("mine")


@pytest.mark.parametrize("path", ["nothing", "reflection.nothing", "documents.deeper"])
def test_an_override_must_name_a_field(path: str) -> None:
    with pytest.raises(ConfigError, match=f"Got '{path}'"):
        resolve(Condition(name="mine", summary="Mine.", overrides={path: 1}), CorpusConfig())


def test_overrides_are_checked_like_any_value() -> None:
    with pytest.raises(ConfigError, match=r"CorpusConfig\.hazard_statements"):
        resolve(Condition(name="mine", summary="Mine.", overrides={"hazard_statements": -1}), CorpusConfig())


def test_a_mark_must_be_one_of_the_librarys(two_hop: World) -> None:
    odd = replace(condition("reflection"), name="odd", corpus="odd", mark=lambda flag, hazard, config: "<odd>")
    with pytest.raises(ConfigError, match="'<odd>'"):
        Corpus(two_hop, odd, CorpusConfig(documents=10)).plan(np.arange(10))
