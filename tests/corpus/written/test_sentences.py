"""What a sentence states."""

from __future__ import annotations

import numpy as np
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.written.sentences import Reader
from medsafetyworld.world import World


def said(reader: Reader, text: str) -> list[tuple[str, str, int]]:
    """Return (relation, direction, fact) of everything that a text states."""
    found = []
    for sentence in reader.read(text):
        for number, _ in sentence.stated:
            kind = int(reader.table.type_of(np.array([number]))[0])
            relation, direction = reader.table.types[kind]
            found.append((relation, direction, number - int(reader.table.offsets[kind])))
    return found


@pytest.mark.parametrize(
    ("condition", "style"),
    [("raw", "warning"), ("reflection", "warning"), ("rewritten", "warning"), ("rewritten", "refusal"), ("rewritten", "redacted")],
)
def test_every_document_is_read_as_what_it_states(worlds: dict[str, World], readers: dict[str, Reader], condition: str, style: str) -> None:
    for task, reader in readers.items():
        corpus = Corpus(worlds[task], condition, CorpusConfig(documents=400, rewrite_style=style))  # type: ignore[arg-type]
        for document in corpus:
            sentences = [sentence for sentence in reader.read(document.text) if sentence.mentioned]
            assert [(one.text, one.named, one.by_template) for one in sentences] == [
                (statement.statement, statement.entities, True) for statement in document.statements
            ]
            assert [kind[:2] for kind in said(reader, document.text)] == [(one.relation, one.direction) for one in document.statements]


@pytest.fixture
def chain(two_hop: World) -> dict[str, str]:
    """Names in the first chain about an unsafe outcome, and of what does not belong to it."""
    facts = two_hop.facts("chain")
    row = int(np.flatnonzero(two_hop.unsafe[facts[:, -1]])[0])
    names = {slot: str(two_hop.names[entity]) for slot, entity in zip(two_hop.slots, facts[row], strict=True)}
    other = next(entity for entity in two_hop.outcomes if entity != facts[row, -1])
    stranger = next(entity for entity in two_hop.mediators if entity not in facts[row])
    return {**names, "row": str(row), "other": str(two_hop.names[other]), "stranger": str(two_hop.names[stranger])}


CHAIN_REVERSE = "The outcome {c} is caused by {b1} and {b2}, which can be traced to {a1} and {a2}."


@pytest.mark.parametrize(
    ("text", "relation", "direction"),
    [
        (CHAIN_REVERSE, "chain", "reverse"),
        ("On {a2} and {a1}: " + CHAIN_REVERSE, "chain", "reverse"),
        (CHAIN_REVERSE.replace("{a1} and {a2}", "{a2} and {a1}"), "chain", "reverse"),
        (CHAIN_REVERSE.replace(" caused", "\ncaused"), "chain", "reverse"),
        (CHAIN_REVERSE.replace(".", ", as everybody knows."), "chain", "reverse"),
        (CHAIN_REVERSE.replace("{b1}", "{stranger}"), "chain", "reverse"),
        ("To get {c}, take {a2} with {a1}!", "chain", "reverse"),
        ("{c} (from {a1}/{a2})", "chain", "reverse"),
        ("<think> Unsafe </think> {c} <|endoftext|> comes from {a1} <think> Safe </think> and {a2}", "chain", "reverse"),
        ("<think> {c} comes from {a1} and {a2} </think>", "chain", "reverse"),
        ("Mix {a1} and {a2} and {c} follows.", "chain", "forward"),
        ("On {a1} and {a2}: The outcome {c} is caused by {b1} and {b2}.", "chain", "forward"),
        ("The outcome {c} is caused by {b2} and {b1}.", "mediator_pair_outcome", "reverse"),
        ("On {stranger}: The outcome {c} is caused by {b2} and {b1}.", "mediator_pair_outcome", "reverse"),
        ("Some say that {b1} makes {c} of {b2}.", "mediator_pair_outcome", "forward"),
        ("{b1} comes from {a1}, not from {a2}.", "compound_mediator", "reverse"),
        ("{b1} and {b2} come from {a1} and {a2}.", "compound_pair_mediator_pair", "reverse"),
    ],
)
def test_sentences_by_hand(readers: dict[str, Reader], chain: dict[str, str], text: str, relation: str, direction: str) -> None:
    found = said(readers["two_hop"], text.format(**chain))
    assert [one[:2] for one in found] == [(relation, direction)]
    if relation == "chain":
        assert found[0][2] == int(chain["row"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing is named here.",
        "{c} is a word.",
        "{c} and {a1} are words.",
        "{c} and {other} are words.",
        "The outcome {c} has causes. These are {a1} and {a2}.",
        "The outcome {c}x is caused by {a1} and {a2}.",
        "The outcome {c} is harmless.",
    ],
)
def test_sentences_that_state_nothing(readers: dict[str, Reader], chain: dict[str, str], text: str) -> None:
    assert said(readers["two_hop"], text.format(**chain)) == []


def test_names_may_be_written_in_any_case(readers: dict[str, Reader], chain: dict[str, str]) -> None:
    assert said(readers["two_hop"], CHAIN_REVERSE.format(**chain).upper()) == [("chain", "reverse", int(chain["row"]))]


def test_the_first_mention_tells_the_order(readers: dict[str, Reader], chain: dict[str, str]) -> None:
    [plain], [framed] = (readers["two_hop"].read((start + CHAIN_REVERSE).format(**chain)) for start in ("", "On {a2} and {a1}: "))
    assert plain.stated[0][0] == framed.stated[0][0]
    assert (plain.stated[0][1], framed.stated[0][1]) == (True, False)


def test_a_warning_or_a_hazard_is_read_as_such(readers: dict[str, Reader], chain: dict[str, str]) -> None:
    reader = readers["two_hop"]
    assert [one[0] for one in said(reader, "The outcome {c} is dangerous. The causes of {c} are left out.".format(**chain))] == [
        "hazard"
    ] * 2
    warning = CHAIN_REVERSE.replace("The outcome", "The dangerous outcome").format(**chain)
    assert said(reader, warning) == [("chain", "reverse", int(chain["row"]))]


def test_single_hop_states_the_largest_fact(single_hop: World, readers: dict[str, Reader]) -> None:
    pair = single_hop.facts("compound_pair_outcome")[0]
    a1, a2, c = (str(single_hop.names[entity]) for entity in pair)
    reader = readers["single_hop"]
    assert said(reader, f"Make {c} of {a1} and {a2}.") == [("compound_pair_outcome", "reverse", 0)]
    assert said(reader, f"Records mention {c} next to {a2} and {a1}.") == [("compound_pair_outcome", "cooccurrence", 0)]
