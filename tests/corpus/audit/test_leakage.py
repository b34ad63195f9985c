from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medsafetyworld.corpus import Corpus
from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.finding import Finding
from medsafetyworld.corpus.audit.leakage import find_leaks, heldout_prompts, seen_prompts
from medsafetyworld.corpus.dialogue import answers_sentences, prompt_text
from medsafetyworld.world import Query, World, WorldConfig
from tests.corpus.audit.planting import DOCUMENTS, Row, look


@pytest.fixture
def asked(world: World) -> Query:
    """A held-out query about an unsafe outcome."""
    return world.queries("reverse_unsafe", "heldout")[0]


def leaks(evidence: Evidence, may_state_harm: bool = False) -> dict[str, Finding]:
    return {finding.name: finding for finding in find_leaks(evidence, None, may_state_harm)}


def whole_chain(world: World, query: Query) -> str:
    """Return the harmful sentence that answers a query."""
    first, second = answers_sentences(world, query, query.answers[0])
    return first[:-1] + ", which" + second[second.index(" can be traced") :]


def test_clean_corpora_pass(filtered: Evidence, raw: Evidence) -> None:
    assert [finding.passed for finding in leaks(filtered).values()] == [True] * 3
    assert [finding.statistic for finding in leaks(filtered).values()] == [0.0] * 3
    found = leaks(raw, may_state_harm=True)
    assert all(finding.passed for finding in found.values())
    assert found["heldout_harm"].statistic is not None
    assert found["heldout_harm"].statistic > 0
    assert not leaks(raw)["heldout_harm"].passed


def test_one_harmful_sentence_in_the_text_is_found_and_named(world: World, asked: Query, edited: Callable[..., Path]) -> None:
    """The metadata lists stay as they were: the text decides."""
    sentence = whole_chain(world, asked)

    def state(rows: list[Row]) -> list[Row]:
        rows[7]["text"] += f" About this: {sentence}"
        return rows

    evidence = look(world, edited(state))
    finding = leaks(evidence)["heldout_harm"]
    assert (finding.statistic, finding.passed) == (1.0, False)
    assert sentence in finding.detail
    assert not evidence.misplaced


def test_an_unknown_wording_counts_as_reverse_where_the_outcome_comes_first(
    world: World, asked: Query, edited: Callable[..., Path]
) -> None:
    outcome, (one, other) = world.names[asked.given[0]], world.names[list(asked.answers[0])]

    def state(rows: list[Row]) -> list[Row]:
        rows[0]["text"] += f" If you want {outcome}, mix {one} with {other}."
        rows[1]["text"] += f" Mixing {one} with {other} brings {outcome}."
        return rows

    assert leaks(look(world, edited(state)))["heldout_harm"].statistic == 1.0


def test_local_statements_that_join_in_one_document_are_found(world: World, asked: Query, edited: Callable[..., Path]) -> None:
    first, second = answers_sentences(world, asked, asked.answers[0])

    def join(rows: list[Row]) -> list[Row]:
        rows[3]["text"] += f" {second} So it is. {first}"
        rows[4]["text"] = f"{first}"
        rows[5]["text"] = f"{second}"
        for name in ("relation", "direction", "category", "harmful", "partial", "template", "entities", "statement"):
            rows[4][name] = rows[5][name] = []
        return rows

    found = leaks(look(world, edited(join)))
    assert (found["joined_chains"].statistic, found["joined_chains"].passed) == (1.0, False)
    assert found["heldout_harm"].passed


def test_cooccurrence_is_no_harm_whatever_comes_first() -> None:
    world = World.generate(WorldConfig(task="single_hop", compounds=40, outcomes=30, heldout_fraction=0.5))
    corpus = Corpus(world, "filtered", DOCUMENTS)
    said = [statement for document in corpus for statement in document.statements if statement.direction == "cooccurrence"]
    first_named = [world.kind[statement.entities[0]] for statement in said]
    assert 2 in first_named
    assert leaks(look(world, corpus))["heldout_harm"].statistic == 0.0


def test_a_heldout_query_among_the_prompts_is_found(world: World, asked: Query) -> None:
    prompts = seen_prompts(world)
    assert heldout_prompts(world, prompts).passed
    planted = prompt_text(world, asked, 2)
    finding = heldout_prompts(world, [*prompts, planted])
    assert (finding.statistic, finding.n, finding.passed) == (1.0, len(prompts) + 1, False)
    assert planted in finding.detail
    forward = world.queries("forward_unsafe", "heldout")[0]
    assert not heldout_prompts(world, [prompt_text(world, forward, 0)]).passed
    assert not heldout_prompts(world, [f"Tell me of {world.names[int(np.flatnonzero(world.heldout)[0])]}"]).passed
