"""Documents as a table, a row a document: built from columns of statements, with no Python object a document or statement.

Shapes: R rows (documents that are not empty), S statements, P parts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from medsafetyworld.corpus.documents import Document
from medsafetyworld.corpus.library import Library
from medsafetyworld.corpus.marks import label_of
from medsafetyworld.corpus.render import joined
from medsafetyworld.corpus.segments import Segments
from medsafetyworld.corpus.statements import CATEGORIES
from medsafetyworld.corpus.wording import Statements

if TYPE_CHECKING:
    from medsafetyworld.corpus.sequence import Corpus

SCHEMA = pa.schema(
    {
        "doc_id": pa.int64(),
        "text": pa.string(),
        "segments": pa.list_(pa.string()),
        "reflections": pa.list_(pa.string()),
        "relation": pa.list_(pa.string()),
        "direction": pa.list_(pa.string()),
        "category": pa.list_(pa.string()),
        "harmful": pa.list_(pa.bool_()),
        "partial": pa.list_(pa.bool_()),
        "template": pa.list_(pa.string()),
        "entities": pa.list_(pa.list_(pa.int32())),
        "statement": pa.list_(pa.string()),
    }
)
STATEMENT_COLUMNS = SCHEMA.names[SCHEMA.names.index("relation") :]
"""Columns that are parallel lists, one item a statement."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a table of documents holds."""

    rows: int
    statements: int
    harmful_statements: int
    tokens: int
    """Words, punctuation marks and special tokens; an entity name counts as one."""
    gaps: int
    """Statement slots of the documents asked for that are empty in every condition."""
    text_bytes: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, column.name) + getattr(other, column.name) for column in fields(self)))


def document_table(documents: list[Document]) -> pa.Table:
    """Return documents at hand as a table of `SCHEMA`: the plain way, which `DocumentColumns` must agree with."""
    columns: dict[str, list[Any]] = {
        "doc_id": [document.index for document in documents],
        "text": [document.text for document in documents],
        "segments": [document.segments for document in documents],
        "reflections": [document.reflections for document in documents],
    }
    for name in STATEMENT_COLUMNS:
        columns[name] = [[getattr(statement, name) for statement in document.statements] for document in documents]
    return pa.table(columns, schema=SCHEMA)


class DocumentColumns:
    """Turns document indices of a corpus into tables."""

    def __init__(self, corpus: Corpus) -> None:
        library = corpus.library
        self.corpus = corpus
        self._writer = corpus.writer
        self._templates = pa.array([name + joint for joint in ("+", "") for name in ("-", *library.names)], pa.string())
        self._labels = pa.array(["", *(_label(fragment.pieces) for fragment in library.fragments)], pa.string())
        self._relations, self._directions = (pa.array(names, pa.string()) for names in zip(*corpus.table.types, strict=True))
        self._categories = pa.array(CATEGORIES, pa.string())
        self._order_of, self._orders = _mention_orders(library)

    def table(self, indices: NDArray[np.int64]) -> tuple[pa.Table, Counts]:
        """Return the documents at `indices` that are not empty, in that order, as a table of `SCHEMA`, and what it holds."""
        corpus = self.corpus
        statements, gaps = corpus.statements_and_gaps(indices)
        segments = corpus.segments(statements)
        parts = corpus.part_table(statements, segments)
        size = statements.core.size
        first = np.flatnonzero(np.append(True, statements.document[1:] != statements.document[:-1])[:size])
        rows = np.append(first, size)  # (R + 1,): first statement of each row

        text = self._strings(parts, statements.fillers, rows)
        lists = pa.array(rows.astype(np.int32))
        columns = {
            "doc_id": pa.array(statements.index[first]),
            "text": text,
            **self._segment_columns(parts, statements, segments, rows),
            "relation": pc.take(self._relations, pa.array(statements.type)),
            "direction": pc.take(self._directions, pa.array(statements.type)),
            "category": pc.take(self._categories, pa.array(statements.category)),
            "harmful": pa.array(statements.harmful),
            "partial": pa.array(statements.partial),
            "template": self._template_column(statements),
            "entities": self._entity_column(statements),
            "statement": self._strings(parts[:, :2], statements.fillers, np.arange(size + 1)),
        }
        for name in STATEMENT_COLUMNS:
            columns[name] = pa.ListArray.from_arrays(lists, columns[name])
        counts = Counts(
            rows=first.size,
            statements=size,
            harmful_statements=int(np.count_nonzero(statements.harmful)),
            tokens=int(corpus.library.tokens[parts[parts >= 0]].sum()),
            gaps=gaps,
            text_bytes=int(pc.sum(pc.binary_length(text)).as_py() or 0),
        )
        return pa.table(columns, schema=SCHEMA), counts

    def _strings(self, parts: NDArray[np.int32], fillers: NDArray[np.int32], rows: NDArray[np.int64]) -> pa.StringArray:
        """Return one string for each run of statements `rows[r]:rows[r + 1]`; `parts` is (S, k), -1 for none."""
        present = parts >= 0
        counts = present.sum(axis=1)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
        return self._writer.strings(parts[present], np.repeat(np.arange(counts.size), counts), fillers, starts[rows])

    def _segment_columns(
        self, parts: NDArray[np.int32], statements: Statements, segments: Segments, rows: NDArray[np.int64]
    ) -> dict[str, pa.ListArray]:
        written = parts[:, [0, 1, 3]]  # framing, core, closing
        present = written >= 0
        last = np.zeros(written.shape, dtype=np.bool_)
        last[:, 1:] = segments.ends
        row = np.repeat(np.arange(present.shape[0]), present.sum(axis=1))
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.flatnonzero(last[present]) + 1])
        texts = self._writer.strings(written[present], row, statements.fillers, offsets)
        labels = pc.take(self._labels, pa.array(parts[:, [2, 4]][segments.ends] + 1))
        number = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(segments.ends.sum(axis=1))])
        lists = pa.array(number[rows].astype(np.int32))
        return {"segments": pa.ListArray.from_arrays(lists, texts), "reflections": pa.ListArray.from_arrays(lists, labels)}

    def _template_column(self, statements: Statements) -> pa.StringArray:
        names = np.stack([statements.framing, statements.core, statements.closing], axis=1) + 1
        names[:, 2] += len(self._templates) // 2  # the form with no "+" behind it
        return joined(pc.take(self._templates, pa.array(names.ravel())), np.arange(len(names) + 1) * 3)

    def _entity_column(self, statements: Statements) -> pa.ListArray:
        order = self._orders[self._order_of[statements.framing], self._order_of[statements.core]]  # (S, slots)
        named = order >= 0
        entities = np.take_along_axis(statements.fillers, order, axis=1)[named]
        offsets = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(named.sum(axis=1), dtype=np.int32)])
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(entities))


def _label(pieces: tuple[str | int, ...]) -> str:
    return label_of(pieces[0]) if len(pieces) == 1 and isinstance(pieces[0], str) else ""


def _mention_orders(library: Library) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each fragment's mention order, (F + 1,) with "no fragment" last (so that -1 finds it), and (K, K, slots):
    the slots that a framing of one order and a core of another mention together, each once, -1 behind the last."""
    orders = list(dict.fromkeys([*library.mention_orders, ()]))
    number = {order: place for place, order in enumerate(orders)}
    together = np.full((len(orders), len(orders), len(library.slots)), -1, dtype=np.int64)
    for first in orders:
        for second in orders:
            merged = tuple(dict.fromkeys(first + second))
            together[number[first], number[second], : len(merged)] = merged
    return np.array([number[order] for order in (*library.mention_orders, ())]), together
