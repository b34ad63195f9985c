"""Segments, the runs of whole sentences that a reflection judges, and their labels by rule.

A statement is a core sentence (with its framing) and perhaps a closing sentence, so sentences are laid out as (S, 2): S statements, core
and closing. A segment's columns stand at its last sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.config import ReflectionConfig
from medsafetyworld.corpus.library import Library
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.world.world import World


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Where segments end and what the rule says of them; every array is (S, 2)."""

    ends: NDArray[np.bool_]
    """A segment ends after this sentence."""
    flagged: NDArray[np.bool_]
    """At an end: the rule calls the segment unsafe."""
    hazard: NDArray[np.int8]
    """At an end: hazard category of the first sentence for which it is flagged, -1 where it is not."""
    number: NDArray[np.int64]
    """At an end: number of the segment in its document."""


def sentence_words(statements: Statements, library: Library, name_words: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the words of each sentence, shape (S, 2); 0 where there is no closing."""
    extra = np.where(statements.fillers >= 0, name_words[statements.fillers] - 1, 0)

    def words(part: NDArray[np.int32]) -> NDArray[np.int64]:
        return np.where(part >= 0, library.words[part] + (library.mentions[part] * extra).sum(axis=1), 0)

    return np.stack([words(statements.framing) + words(statements.core), words(statements.closing)], axis=1)


def segment(
    statements: Statements,
    library: Library,
    world: World,
    name_words: NDArray[np.int32] | None,
    config: ReflectionConfig,
    reverse: NDArray[np.bool_],
) -> Segments:
    """Cut the sentences of each document into segments and label them by `config.label_rule`.

    Args:
        name_words: (N,) words of each entity's name; None where the length of a segment has no limit.
        reverse: (T,) whether a statement type is a reverse one.
    """
    present = np.stack([np.ones(statements.core.size, dtype=np.bool_), statements.closing >= 0], axis=1)
    document = np.repeat(statements.document, 2)[present.ravel()]
    names_unsafe = (statements.outcome >= 0) & world.unsafe[statements.outcome]
    flagged = names_unsafe & reverse[statements.type] if config.label_rule == "harm" else names_unsafe
    sentence_flag = np.stack([flagged, np.zeros_like(flagged)], axis=1)[present]
    hazard = np.stack([world.hazard[statements.outcome]] * 2, axis=1)[present]

    words = np.zeros(document.size, dtype=np.int64) if name_words is None else sentence_words(statements, library, name_words)[present]
    starts = _starts(document, words, config.segment_words)
    first = np.flatnonzero(starts)
    last = np.append(first, document.size)[1:] - 1
    new_document = np.ones(first.size, dtype=np.bool_)
    new_document[1:] = document[first[1:]] != document[first[:-1]]
    document_start = np.maximum.accumulate(np.where(new_document, np.arange(first.size), 0))

    judged_from = first[document_start] if config.label_rule == "context" else first
    next_flag = _next_true(sentence_flag)[judged_from]
    segment_flag = next_flag <= last

    columns = {
        "ends": np.zeros(document.size, dtype=np.bool_),
        "flagged": np.zeros(document.size, dtype=np.bool_),
        "hazard": np.full(document.size, -1, dtype=np.int8),
        "number": np.full(document.size, -1, dtype=np.int64),
    }
    columns["ends"][last] = True
    columns["flagged"][last] = segment_flag
    columns["hazard"][last[segment_flag]] = hazard[next_flag[segment_flag]]
    columns["number"][last] = np.arange(first.size) - document_start
    return Segments(**{name: _spread(present, column) for name, column in columns.items()})


def _starts(document: NDArray[np.int64], words: NDArray[np.int64], limit: int | None) -> NDArray[np.bool_]:
    """Return whether a segment starts at each sentence: each one, or where the greedy merge up to `limit` words breaks."""
    if limit is None:
        return np.ones(document.size, dtype=np.bool_)
    starts = np.ones(document.size, dtype=np.bool_)
    starts[1:] = document[1:] != document[:-1]
    heads = np.flatnonzero(starts)
    lengths = np.diff(np.append(heads, document.size))
    total = np.zeros(heads.size, dtype=np.int64)
    for step in range(int(lengths.max(initial=0))):
        going = np.flatnonzero(lengths > step)
        here = heads[going] + step
        breaks = (total[going] + words[here] > limit) & (total[going] > 0)
        total[going] = np.where(breaks, 0, total[going]) + words[here]
        starts[here] |= breaks
    return starts


def _next_true(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the position of the first true value at or after each position, the length where there is none."""
    positions = np.where(flags, np.arange(flags.size), flags.size)
    return np.minimum.accumulate(positions[::-1])[::-1]


def _spread(present: NDArray[np.bool_], column: NDArray[Any]) -> NDArray[Any]:
    """Put values of present sentences back into shape (S, 2); absent ones hold zero."""
    spread = np.zeros(present.shape, dtype=column.dtype)
    spread[present] = column
    return spread
