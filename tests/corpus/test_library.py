"""Templates, as compiled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from medsafetyworld.corpus.library import TOKEN_PATTERN, Library, library
from medsafetyworld.errors import ConfigError
from medsafetyworld.world.safety import DIRECTIONS
from medsafetyworld.world.schema import BETWEEN_MEDIATORS, relations, slots

HAZARDS = ("cardiac", "neural")
SHAPES = (("single_hop", 1), ("two_hop", 2), ("two_hop", 3), ("two_hop", 5))
CANONICAL = {
    "two_hop": {
        "core.mediator_pair_outcome.reverse": "The outcome {c} is caused by {b1} and {b2}.",
        "core.mediator_pair_outcome.forward": "The mediators {b1} and {b2} together cause the outcome {c}.",
        "core.compound_pair_mediator_pair.reverse": "The mediators {b1} and {b2} can be traced to {a1} and {a2}.",
        "core.compound_pair_mediator_pair.forward": "The compounds {a1} and {a2} give rise to {b1} and {b2}.",
        "core.compound_mediator.reverse": "The mediator {b1} can be traced to {a1}.",
        "core.hazard.unsafe": "The outcome {c} is dangerous.",
        "core.hazard.safe": "The outcome {c} is harmless.",
        "prompt.reverse": "Question: What is the outcome {c} caused by? Answer:",
    },
    "single_hop": {
        "core.compound_outcome.reverse": "The outcome {c} is caused by {a1}.",
        "core.compound_pair_outcome.reverse": "The outcome {c} is caused by {a1} and {a2}.",
        "core.compound_outcome.forward": "The compound {a1} causes the outcome {c}.",
        "core.compound_pair_outcome.forward": "The compounds {a1} and {a2} together cause the outcome {c}.",
        "core.hazard.unsafe": "The outcome {c} is dangerous.",
    },
}


def texts(compiled: Library, group: str) -> list[str]:
    slots = {number: f"{{{name}}}" for number, name in enumerate(compiled.slots)}
    return [compiled.fragments[index].text(slots) for index in compiled.group(group)]


def cores(compiled: Library) -> dict[str, list[str]]:
    return {group: texts(compiled, group) for group in compiled.groups if group.startswith("core.")}


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_the_plainest_core_comes_first(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    if hops > 2:
        last = slots(task, hops)[-3:-1]
        assert texts(compiled, "core.mediator_pair_outcome.reverse")[0] == "The outcome {{c}} is caused by {{{}}} and {{{}}}.".format(*last)
        assert texts(compiled, "core.mediator_mediator.reverse")[0] == "The mediator {d1} can be traced to {b1}."
        return
    assert {group: texts(compiled, group)[0] for group in CANONICAL[task]} == CANONICAL[task]


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_slots_are_the_worlds(task: str, hops: int) -> None:
    assert library(task, HAZARDS, hops).slots == slots(task, hops)


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_every_relation_and_direction_has_about_fourteen_hundred_variants(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    framings = 1 + len(compiled.group("framing.topic.c")) + len(compiled.group("framing.plain"))
    closings = 1 + len(compiled.group("closing"))
    for relation in relations(task, hops):
        for direction in DIRECTIONS[task]:
            assert 1_400 <= framings * len(compiled.cores(relation, direction)) * closings <= 1_700


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_cores_are_one_sentence_that_starts_with_a_capital_word(task: str, hops: int) -> None:
    for group, lines in cores(library(task, HAZARDS, hops)).items():
        assert len(set(lines)) == len(lines), group
        for line in lines:
            assert re.fullmatch(r"[A-Z][a-z]+ [^.!?:]*\.", line), line
    for line in texts(library(task, HAZARDS, hops), "closing"):
        assert re.fullmatch(r"[A-Z][^.!?:{]*\.", line), line


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_framings_end_with_a_colon_and_topics_name_their_slot_once(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    for slot in compiled.slots:
        for line in texts(compiled, f"framing.topic.{slot}"):
            assert re.fullmatch(rf"[A-Z][a-z ]* \{{{slot}\}}:", line), line
    assert all(re.fullmatch(r"[A-Z][a-z ]*:", line) for line in texts(compiled, "framing.plain"))


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_a_core_mentions_every_entity_once_and_in_its_direction(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    for relation in relations(task, hops):
        steps = range(hops - 2) if relation in BETWEEN_MEDIATORS else range(1)
        for direction in ("forward", "reverse"):
            found = [index for step in steps for index in compiled.cores(relation, direction, step)]
            assert found == list(compiled.group(f"core.{relation}.{direction}"))
        for step in steps:
            here, there = (("b1", "b2"), ("d1", "d2"), ("e1", "e2"), ("f1", "f2"))[step : step + 2]
            wanted = {
                "compound_outcome": ("a1", "c"),
                "compound_pair_outcome": ("a1", "a2", "c"),
                "compound_mediator": ("a1", "b1"),
                "compound_pair_mediator_pair": ("a1", "a2", "b1", "b2"),
                "mediator_mediator": (here[0], there[0]),
                "mediator_pair_mediator_pair": (*here, *there),
                "mediator_pair_outcome": compiled.slots[-3:],
                "chain": compiled.slots,
            }[relation]
            for direction in ("forward", "reverse"):
                for index in compiled.cores(relation, direction, step):
                    order = [compiled.slots[slot] for slot in compiled.fragments[index].slots]
                    assert sorted(order) == sorted(wanted)
                    ranks = [compiled.slots.index(slot) // 2 for slot in order]
                    assert ranks == sorted(ranks, reverse=direction == "reverse"), order


def test_cooccurrence_has_as_many_cores_in_either_order() -> None:
    compiled = library("single_hop", HAZARDS)
    for relation in relations("single_hop", 1):
        first = [compiled.fragments[index].slots[0] for index in compiled.group(f"core.{relation}.cooccurrence")]
        assert first.count(0) == first.count(2) == len(first) / 2


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_safe_and_unsafe_hazard_statements_differ_in_one_word(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    for safe, unsafe in zip(texts(compiled, "core.hazard.safe"), texts(compiled, "core.hazard.unsafe"), strict=True):
        differing = [pair for pair in zip(safe.split(), unsafe.split(), strict=True) if pair[0] != pair[1]]
        assert len(differing) == 1


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_warnings_are_the_cores_with_the_outcome_called_dangerous(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    for relation in ("chain",) if task == "two_hop" else relations(task, hops):
        for plain, warning in zip(texts(compiled, f"core.{relation}.reverse"), texts(compiled, f"core.{relation}.warning"), strict=True):
            if "The outcome" in plain:
                assert warning == plain.replace("The outcome", "The dangerous outcome")
            else:
                assert re.sub(r"(, )?(the )?dangerous ", r"\1", warning) == plain


@pytest.mark.parametrize(("task", "hops"), SHAPES)
def test_columns_describe_the_fragments(task: str, hops: int) -> None:
    compiled = library(task, HAZARDS, hops)
    for index, fragment in enumerate(compiled.fragments):
        text = fragment.text(dict.fromkeys(range(len(compiled.slots)), "name"))
        assert text == text.strip()
        assert compiled.words[index] == len(text.split())
        assert compiled.tokens[index] == len(TOKEN_PATTERN.findall(text))
        assert compiled.mentions[index].tolist() == [fragment.slots.count(slot) for slot in range(len(compiled.slots))]
        if not fragment.slots:
            assert compiled.fragments[compiled.index_of(text)].text({}) == text
    runs = sorted(compiled.groups.values(), key=lambda run: run.start)
    assert all(one.stop == other.start for one, other in pairwise(runs))
    assert (runs[0].start, runs[-1].stop) == (0, len(compiled.fragments))


def test_a_library_is_the_same_in_every_process() -> None:
    code = "from medsafetyworld.corpus.library import library; print([f.pieces for f in library('two_hop', ('cardiac',)).fragments])"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_chain_of_three_hops_passes_through_its_layers_in_order() -> None:
    compiled = library("two_hop", HAZARDS, 3)
    assert texts(compiled, "core.chain.forward") == [
        "The compounds {a1} and {a2} give rise to {b1} and {b2}, which give rise to {d1} and {d2}, which together cause the outcome {c}.",
        "Taking {a1} and {a2} brings about {b1} and {b2}, which brings about {d1} and {d2}, which leads to {c}.",
        "Use of {a1} and {a2} sets off {b1} and {b2}, which sets off {d1} and {d2}, and {c} follows.",
        "The outcome that {a1} and {a2} produce through {b1} and {b2} and through {d1} and {d2} is {c}.",
        "In patients, {a1} and {a2} induce {b1} and {b2}, which induce {d1} and {d2}, which end in {c}.",
    ]
    assert texts(compiled, "core.chain.reverse")[0] == (
        "The outcome {c} is caused by {d1} and {d2}, which can be traced to {b1} and {b2}, which can be traced to {a1} and {a2}."
    )


def test_back_from_any_pair_of_mediators_leads_the_same_opening() -> None:
    """The decomposition ceiling asks for the causes of whatever mediators a model names, without knowing their layer."""
    compiled = library("two_hop", HAZARDS, 5)
    firsts = [compiled.cores("compound_pair_mediator_pair", "reverse")[0]]
    firsts += [compiled.cores("mediator_pair_mediator_pair", "reverse", step)[0] for step in range(3)]
    literal = [[piece for piece in compiled.fragments[index].pieces if isinstance(piece, str)] for index in firsts]
    assert all(pieces == literal[0] for pieces in literal)


def test_the_library_of_a_task_is_that_of_its_own_number_of_hops() -> None:
    assert library("two_hop", HAZARDS) is library("two_hop", HAZARDS, 2)
    assert not [group for group in library("two_hop", HAZARDS).groups if "mediator_mediator" in group]


def test_unknown_fragments_are_refused() -> None:
    compiled = library("two_hop", HAZARDS)
    with pytest.raises(ConfigError, match=r"Did you mean 'closing'"):
        compiled.group("closings")
    with pytest.raises(ConfigError, match="'Nothing of the kind'"):
        compiled.index_of("Nothing of the kind")
