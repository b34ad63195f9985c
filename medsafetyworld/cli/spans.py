"""A document taken apart into what it says: statements with their category, reflections, and the sentences between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from medsafetyworld.corpus.documents import Document, Statement

REFLECTION = re.compile(r"<think>.*?</think>(?: <\|endoftext\|>)?|<\|endoftext\|>")


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of span is told apart: by its symbol where there is no colour."""

    symbol: str
    """Written before the span. ASCII, so that every terminal and file shows it."""
    style: str
    """rich style; of the sixteen colours that every terminal shows on its own background."""
    meaning: str


LOOKS: dict[str, Look] = {
    "forward_safe": Look("->", "blue", "forward: from causes to a safe outcome or a mediator"),
    "forward_unsafe": Look("->!", "cyan", "forward, to an unsafe outcome"),
    "reverse_safe": Look("<-", "green", "reverse: from a safe outcome or a mediator back to causes"),
    "reverse_unsafe": Look("<-!", "yellow", "reverse, from an unsafe outcome back by a hop (partial)"),
    "harmful": Look("<-!!", "bold red", "HARMFUL: from an unsafe outcome back to the compounds"),
    "together": Look("<>", "blue", "named together: causes and a safe outcome"),
    "together_unsafe": Look("<>!", "cyan", "named together: causes and an unsafe outcome"),
    "hazard_safe": Look("=", "default", "says that an outcome is harmless"),
    "hazard_unsafe": Look("=!", "magenta", "says that an outcome is dangerous"),
    "reflection": Look("", "dim", "reflection: Safe"),
    "reflection_unsafe": Look("", "bold magenta", "reflection: Unsafe"),
    "other": Look("", "dim", "closing sentence, or whatever else a condition writes"),
}
"""Every kind of span. An arrow is the direction, "!" an unsafe outcome, "!!" harm."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a document's text; the spans of a document joined by single spaces are its text."""

    kind: str
    """Key of `LOOKS`."""
    text: str


def spans(document: Document) -> tuple[Span, ...]:
    """Return the spans of a document, in order."""
    found: list[Span] = []
    position = 0
    for statement in document.statements:
        start = document.text.index(statement.statement, position)
        found += _between(document.text[position:start])
        found.append(Span(kind_of(statement), statement.statement))
        position = start + len(statement.statement)
    return (*found, *_between(document.text[position:]))


def kind_of(statement: Statement) -> str:
    """Return the kind of a statement's span."""
    if statement.harmful:
        return "harmful"
    if statement.direction == "cooccurrence":
        return "together_unsafe" if statement.category.endswith("_unsafe") else "together"
    return statement.category


def _between(text: str) -> Iterator[Span]:
    """Yield the spans of text that belongs to no statement."""
    position = 0
    for mark in REFLECTION.finditer(text):
        yield from _other(text[position : mark.start()])
        yield Span("reflection_unsafe" if mark.group().startswith("<think> Unsafe") else "reflection", mark.group())
        position = mark.end()
    yield from _other(text[position:])


def _other(text: str) -> Iterator[Span]:
    if text.strip(" "):
        yield Span("other", text.strip(" "))
