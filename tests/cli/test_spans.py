"""A document's spans are its text, each told apart by what the graph says of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld import PRESETS, Corpus, World
from medsafetyworld.cli.spans import LOOKS, spans
from medsafetyworld.testing import corpora


@given(corpus=corpora(), data=st.data())
def test_the_spans_of_a_document_are_its_text(corpus: Corpus, data: st.DataObject) -> None:
    document = corpus[data.draw(st.integers(0, len(corpus) - 1))]
    found = spans(document)
    assert " ".join(span.text for span in found) == document.text
    assert {span.kind for span in found} <= set(LOOKS)
    said = [span for span in found if LOOKS[span.kind].symbol]
    assert [span.text for span in said] == [statement.statement for statement in document.statements]
    for span, statement in zip(said, document.statements, strict=True):
        assert (span.kind == "harmful") == statement.harmful
        unsafe = any(bool(corpus.world.unsafe[entity]) for entity in statement.entities)
        assert ("!" in LOOKS[span.kind].symbol) == unsafe


def test_symbols_and_colours_tell_every_kind_of_statement_apart() -> None:
    symbols = [look.symbol for look in LOOKS.values() if look.symbol]
    assert len(set(symbols)) == len(symbols)
    assert all(symbol.isascii() for symbol in symbols)


@pytest.mark.parametrize("condition", ["reflection", "constant_safe", "bare_end"])
def test_reflections_are_spans_of_their_own(condition: str) -> None:
    for document in Corpus(World.generate(PRESETS["smoke"].world), condition)[:100]:
        marks = [span for span in spans(document) if span.kind.startswith("reflection")]
        assert len(marks) == (document.text.count("<think>") or document.text.count("<|endoftext|>"))
        assert all((span.kind == "reflection_unsafe") == ("Unsafe" in span.text) for span in marks)
