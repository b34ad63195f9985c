"""Properties that hold for every corpus of every world: determinism, truth, what each condition leaves out, and what gives nothing away."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig, Document, FilterConfig, ReflectionConfig, condition_names
from medsafetyworld.corpus.certificate import certificate
from medsafetyworld.corpus.export import write
from medsafetyworld.corpus.marks import MARK_PATTERN
from medsafetyworld.world import World, WorldConfig
from medsafetyworld.world.config import ARMS

CLOSED = {
    "composition": {"reversal"},
    "reversal": {"two_hop": {"composition"}, "single_hop": {"cooccurrence"}},
    "cooccurrence": {"reversal"},
    "both": set(),
}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return small worlds of both tasks, in which each held-out half reaches every arm."""
    task = draw(st.sampled_from(["two_hop", "single_hop"]))
    mediators = draw(st.integers(6, 12))
    outcomes = draw(st.integers(4, 14))
    config = WorldConfig(
        task=task,
        mediators=mediators,
        compounds=mediators + draw(st.integers(0, 8)),
        outcomes=outcomes,
        heldout_fraction=draw(st.sampled_from([0.0, 0.3, 0.6])),
        composed_fraction=draw(st.sampled_from([0.0, 0.2])),
        unsafe_fraction=draw(st.sampled_from([0.3, 0.5, 0.8])),
        hazard_categories=draw(st.integers(1, 4)),
        seed=draw(st.integers(0, 10_000)),
    )
    return World.generate(config)


@st.composite
def corpus_configs(draw: st.DrawFn, documents: int = 60) -> CorpusConfig:
    """Return configurations with every knob that keeps the filter perfect."""
    topic = draw(st.sampled_from([0.0, 0.5, 1.0]))
    return CorpusConfig(
        documents=documents,
        statements_per_document=draw(st.integers(1, 5)),
        topic_share=topic,
        framing_share=draw(st.sampled_from([0.0, 1.0 - topic])),
        closing_share=draw(st.sampled_from([0.0, 0.3])),
        hazard_statements=draw(st.integers(0, 4)),
        single_rate=draw(st.integers(1, 2)),
        chain_rate=draw(st.integers(1, 2)),
        reverse_rate=draw(st.sampled_from([0.3, 1.0])),
        cooccurrence_rate=draw(st.sampled_from([0.4, 1.0])),
        seed=draw(st.integers(0, 10_000)),
        reflection=ReflectionConfig(
            style=draw(st.sampled_from(["label", "category", "rationale"])),
            label_rule=draw(st.sampled_from(["outcome", "harm", "context"])),
            segment_words=draw(st.sampled_from([None, 50, 100])),
            end_of_text=draw(st.booleans()),
        ),
    )


conditions = st.sampled_from(condition_names())


@given(world=worlds(), config=corpus_configs(), condition=conditions, data=st.data())
def test_a_document_is_a_pure_function_of_its_index(world: World, config: CorpusConfig, condition: str, data: st.DataObject) -> None:
    documents = list(Corpus(world, condition, config))
    again = Corpus(World.generate(world.config), condition, config)
    for index in data.draw(st.lists(st.integers(0, 59), min_size=1, max_size=5)):
        assert again[index] == documents[index]
    longer = Corpus(world, condition, replace(config, documents=90))
    if config.reflection.start == 0:
        assert longer[:60] == documents


@given(world=worlds(), config=corpus_configs(), condition=conditions, rows=st.sampled_from([7, 20, 60]))
@settings(max_examples=10)
def test_exported_rows_do_not_depend_on_the_shards(world: World, config: CorpusConfig, condition: str, rows: int) -> None:
    corpus = Corpus(world, condition, config)
    read: list[list[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, size in enumerate((rows, 1000)):
            write(corpus, Path(folder) / str(number), shard_documents=size)
            files = sorted((Path(folder) / str(number) / "data").iterdir())
            read.append([row for file in files for row in pq.read_table(file).to_pylist()])
    assert read[0] == read[1]
    assert [row["text"] for row in read[0]] == [document.text for document in corpus if document.text]


class SavedWorld:
    """What the files of a world directory alone say is true."""

    def __init__(self, directory: Path) -> None:
        entities = pq.read_table(directory / "entities.parquet").to_pylist()
        self.task = json.loads((directory / "world.json").read_text())["config"]["task"]
        self.names = {row["id"]: row["name"] for row in entities}
        self.kinds = {row["id"]: row["kind"] for row in entities}
        self.unsafe = {row["id"] for row in entities if row["unsafe"]}
        self.edges: dict[str, set[tuple[frozenset[int], frozenset[int]]]] = {}
        for row in pq.read_table(directory / "edges.parquet").to_pylist():
            self.edges.setdefault(row["relation"], set()).add((frozenset(row["source"]), frozenset(row["target"])))
        self.mediator = {next(iter(source)): next(iter(target)) for source, target in self.edges.get("compound_mediator", set())}

    def named(self, text: str) -> set[int]:
        return {entity for entity, name in self.names.items() if re.search(rf"\b{re.escape(name)}\b", text)}

    def first_named(self, text: str) -> int:
        return min(self.named(text), key=lambda entity: text.index(self.names[entity]))

    def is_true(self, relation: str, entities: set[int]) -> bool:
        parts = {kind: frozenset(one for one in entities if self.kinds[one] == kind) for kind in ("compound", "mediator", "outcome")}
        compounds, mediators, outcomes = parts["compound"], parts["mediator"], parts["outcome"]
        caused = frozenset(self.mediator.get(compound, -1) for compound in compounds)
        if relation in ("compound_outcome", "compound_pair_outcome"):
            return (compounds, outcomes) in self.edges[relation] and not mediators
        if relation == "compound_mediator":
            return (compounds, mediators) in self.edges[relation] and not outcomes
        if relation == "mediator_pair_outcome":
            return (mediators, outcomes) in self.edges[relation] and not compounds
        if relation == "compound_pair_mediator_pair":
            return len(compounds) == 2 and caused == mediators and not outcomes
        if relation == "chain":
            return len(compounds) == 2 and caused == mediators and (mediators, outcomes) in self.edges["mediator_pair_outcome"]
        return relation == "hazard" and len(entities) == len(outcomes) == 1


def check_statements(saved: SavedWorld, documents: list[Document]) -> None:
    for document in documents:
        for statement in document.statements:
            entities = saved.named(statement.statement)
            assert set(statement.entities) == entities
            assert saved.is_true(statement.relation, entities), statement
            unsafe, compounds = bool(entities & saved.unsafe), any(saved.kinds[entity] == "compound" for entity in entities)
            outcome = any(saved.kinds[entity] == "outcome" for entity in entities)
            reverse = statement.direction == "reverse"
            if statement.relation == "hazard":
                assert (statement.category, statement.direction) == (f"hazard_{'unsafe' if unsafe else 'safe'}", "none")
            else:
                assert statement.category == f"{'reverse' if reverse else 'forward'}_{'unsafe' if unsafe else 'safe'}"
            if statement.direction in ("forward", "reverse"):
                cause = "mediator" if statement.relation == "mediator_pair_outcome" else "compound"
                assert (saved.kinds[saved.first_named(statement.statement)] == cause) is not reverse
            assert statement.harmful == (reverse and unsafe and compounds and outcome)
            assert statement.partial == (reverse and unsafe and not compounds)


@given(world=worlds(), config=corpus_configs(), condition=conditions)
def test_statements_are_true_and_labelled_as_the_saved_world_says(world: World, config: CorpusConfig, condition: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world.save(Path(folder) / "world")
        saved = SavedWorld(Path(folder) / "world")
    check_statements(saved, list(Corpus(world, condition, config)))


@given(world=worlds(), seed=st.integers(0, 1000), condition=st.sampled_from(["filtered", "reflection", "raw", "rewritten"]))
@settings(max_examples=15)
def test_closed_routes_are_closed_and_open_ones_open(world: World, seed: int, condition: str) -> None:
    corpus = Corpus(world, condition, CorpusConfig(documents=400, seed=seed))
    task = world.config.task
    every = {"reversal", "composition" if task == "two_hop" else "cooccurrence"}
    for query in world.queries("reverse_unsafe", "heldout"):
        found = certificate(world, corpus, query)
        closed = CLOSED[query.arm] if query.arm != "reversal" else CLOSED["reversal"][task]
        assert query.arm in ARMS[task]
        assert set(found.routes) & every == every - closed
        assert (found.stated > 0) is (condition in ("raw", "rewritten"))


@given(world=worlds(), config=corpus_configs())
def test_filtered_states_no_harm_and_filtered_plus_names_no_unsafe_outcome(world: World, config: CorpusConfig) -> None:
    assert not any(document.harmful for document in Corpus(world, "filtered", config))
    names = [str(world.names[entity]) for entity in world.outcomes if world.unsafe[entity]]
    assert not any(name in document.text for document in Corpus(world, "filtered_plus", config) for name in names)


@given(world=worlds(), config=corpus_configs(), weak=st.booleans())
def test_reflection_without_its_reflections_is_filtered(world: World, config: CorpusConfig, weak: bool) -> None:
    if weak:
        config = replace(config, filter=FilterConfig(recall=0.5, false_positive_rate=0.2, unit="document"))
    for filtered, reflected in zip(Corpus(world, "filtered", config), Corpus(world, "reflection", config), strict=True):
        assert MARK_PATTERN.sub("", reflected.text) == filtered.text
        assert reflected.statements == filtered.statements
        assert len(reflected.reflections) == len(reflected.segments) == reflected.text.count("<think>")


@given(world=worlds(), config=corpus_configs(), style=st.sampled_from(["warning", "refusal", "redacted"]))
def test_rewritten_is_raw_outside_harmful_statements(world: World, config: CorpusConfig, style: Any) -> None:
    config = replace(config, rewrite_style=style)
    for raw, rewritten in zip(Corpus(world, "raw", config), Corpus(world, "rewritten", config), strict=True):
        text = raw.text
        for before, after in zip(raw.statements, rewritten.statements, strict=True):
            assert before.harmful or before == after
            text = text.replace(before.statement, after.statement)
        assert rewritten.text == text


def relabelled(world: World) -> World:
    """Return the world with safe and unsafe outcomes exchanged, and everything drawn from its hash as before."""
    unsafe = world.unsafe.copy()
    unsafe[world.outcomes.start :] ^= True
    hazard = np.where(unsafe, np.int8(0), np.int8(-1))
    other = replace(world, unsafe=unsafe, hazard=hazard)
    other.__dict__["content_hash"] = world.content_hash
    return other


@given(world=worlds(), config=corpus_configs())
def test_nothing_in_raw_depends_on_what_is_unsafe_but_the_word_that_says_so(world: World, config: CorpusConfig) -> None:
    words = {"dangerous": "harmless", "grave": "nil"}
    pattern = re.compile(r"\b(dangerous|grave)\b")
    for one, other in zip(Corpus(world, "raw", config), Corpus(relabelled(world), "raw", config), strict=True):
        texts = [pattern.sub(lambda found: words[found.group()], document.text) for document in (one, other)]
        assert texts[0] == texts[1]
        for mine, theirs in zip(one.statements, other.statements, strict=True):
            assert (mine.relation, mine.direction, mine.entities) == (theirs.relation, theirs.direction, theirs.entities)


@given(world=worlds(), config=corpus_configs(), condition=st.sampled_from(["filtered", "reflection", "constant_safe", "rewritten"]))
def test_within_a_relation_and_direction_wording_does_not_depend_on_what_is_unsafe(
    world: World, config: CorpusConfig, condition: str
) -> None:
    raw = Counter((document.index, statement) for document in Corpus(world, "raw", config) for statement in document.statements)
    for document in Corpus(world, condition, config):
        for statement in document.statements:
            rewritten = ".warning." in statement.template or ".statement." in statement.template
            assert rewritten or (document.index, statement) in raw
