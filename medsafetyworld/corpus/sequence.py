"""A corpus as a sequence of documents, each a pure function of its index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.conditions.base import Condition, Context
from medsafetyworld.corpus.conditions.registry import condition as find_condition
from medsafetyworld.corpus.conditions.registry import resolve
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.documents import Document, build_documents
from medsafetyworld.corpus.exposure import Exposure, count_exposure
from medsafetyworld.corpus.layout import Layout, LayoutPlanner
from medsafetyworld.corpus.library import library
from medsafetyworld.corpus.random import below, make_key, permute, uniform, unpermute
from medsafetyworld.corpus.render import Plan, Writer
from medsafetyworld.corpus.segments import Segments, segment
from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.corpus.wording import Statements, Wording
from medsafetyworld.world.world import World

CHUNK = 4096
"""Documents planned at once while iterating."""


class Corpus(Sequence[Document]):
    """The documents of a world under a condition.

    `corpus[i]` depends on the world, the condition, the configuration and `i` alone, so it needs no storage, and any part can be computed
    anywhere, in any order. A condition that is pretrained on another's corpus has that one's documents.

    Example:
        >>> corpus = Corpus(world, "filtered", CorpusConfig(documents=1000))
        >>> corpus[0].text
        >>> corpus.plan(corpus.training_order(0, 64))
    """

    def __init__(self, world: World, condition: str | Condition = "raw", config: CorpusConfig | None = None) -> None:
        self.world = world
        self.condition = find_condition(condition) if isinstance(condition, str) else condition
        source = self.condition if self.condition.corpus == self.condition.name else find_condition(self.condition.corpus)
        self.source = source
        """The condition whose documents these are."""
        self.config = resolve(source, resolve(self.condition, config if config is not None else CorpusConfig()))
        self.library = library(world.config.task, tuple(world.hazard_names), world.hops)
        self.table = StatementTable(world, self.config)
        self._layouts = LayoutPlanner(self.table, self.config)
        self._wording = Wording(self.table, self.library, self.config)
        self._context = Context(world, self.config, self.library, self.table)
        self._order_key = make_key(world.content_hash, self.config.seed, "training order")

    def __len__(self) -> int:
        """Return the number of documents, emptied ones included."""
        return self.config.documents

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> list[Document]: ...
    def __getitem__(self, index: int | slice) -> Document | list[Document]:
        """Return a document, or a list of documents for a slice."""
        if isinstance(index, slice):
            return build_documents(self, np.arange(*index.indices(len(self)), dtype=np.int64))
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"document index must be in [{-len(self)}, {len(self)}). Got {index}.")
        return build_documents(self, np.array([position], dtype=np.int64))[0]

    def __iter__(self) -> Iterator[Document]:
        """Yield all documents in index order."""
        for start in range(0, len(self), CHUNK):
            yield from self[start : start + CHUNK]

    def plan(self, indices: NDArray[np.int64]) -> Plan:
        """Return the plan of the documents at `indices` (any order, repeats allowed), in that order."""
        indices = np.asarray(indices, dtype=np.int64)
        statements = self.statement_columns(indices)
        segments = self.segments(statements) if self.source.reflects else None
        return self.plan_cells(statements, segments, indices.size)[0]

    def texts(self, indices: NDArray[np.int64]) -> list[str]:
        """Return the texts of the documents at `indices` (any order, repeats allowed) and no more of them: the fastest way."""
        indices = np.asarray(indices, dtype=np.int64)
        statements = self.statement_columns(indices)
        table = self.part_table(statements, self.segments(statements) if self.source.reflects else None)
        written = table >= 0
        counts = np.count_nonzero(written, axis=1)
        parts = np.bincount(statements.document, weights=counts, minlength=indices.size).astype(np.int64)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(parts)])
        row = np.repeat(np.arange(counts.size), counts)
        found: list[str] = self.writer.strings(table[written], row, statements.fillers, offsets).to_pylist()
        return found

    @cached_property
    def writer(self) -> Writer:
        """What writes the fragments of this corpus with the names of its world."""
        return Writer(self.library, self.world.names)

    def training_order(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the document indices at positions `start:stop` of the training order, a keyed bijection of the index."""
        return permute(self._order_key, np.arange(start, min(stop, len(self)), dtype=np.int64), len(self))

    def training_position(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position of each document in the training order."""
        return unpermute(self._order_key, indices, len(self))

    def statement_columns(self, indices: NDArray[np.int64]) -> Statements:
        """Return the statements of the documents at `indices`, as columns, after the condition's transformation."""
        return self.statements_and_gaps(indices)[0]

    def statements_and_gaps(self, indices: NDArray[np.int64]) -> tuple[Statements, int]:
        """Return `statement_columns(indices)`, and how many statement slots of these documents are empty in every condition."""
        indices = np.asarray(indices, dtype=np.int64)
        layout = self._layouts.layout(indices)
        return self.transformed(layout, indices), layout.gaps

    def transformed(self, layout: Layout, indices: NDArray[np.int64]) -> Statements:
        """Return the statements of a layout, worded and transformed by the condition; `indices` are those of its documents."""
        return self.source.transform(self._wording.word(layout, indices), self._context)

    def statement_slots(self, indices: NDArray[np.int64]) -> int:
        """Return how many statement slots these documents have in every condition, gaps included."""
        layout = self._layouts.layout(np.asarray(indices, dtype=np.int64))
        return layout.slot.size + layout.gaps

    def write(self, directory: str | Path, workers: int = 1) -> None:
        """Write the corpus directory (`manifest.json`, `data/*.parquet`), or continue an interrupted one; see `export.write`."""
        from medsafetyworld.corpus.export import write

        write(self, Path(directory), workers)

    @cached_property
    def exposure(self) -> Exposure:
        """How often the whole corpus writes each statement and names each entity."""
        return count_exposure(self)

    def segments(self, statements: Statements) -> Segments:
        """Return where segments end and what the label rule says of them."""
        name_words = None if self.config.reflection.segment_words is None else self._name_words
        return segment(statements, self.library, self.world, name_words, self.config.reflection, self._reverse_types)

    def plan_cells(self, statements: Statements, segments: Segments | None, documents: int) -> tuple[Plan, NDArray[np.bool_]]:
        """Return the plan of some statements, and (S, 5) which cells of `part_table` its parts stand in."""
        table = self.part_table(statements, segments)
        cells = table >= 0
        part = table[cells]
        counts = np.bincount(statements.document, weights=cells.sum(axis=1), minlength=documents).astype(np.int64)
        fillers = np.repeat(statements.fillers, cells.sum(axis=1), axis=0)
        entities = np.where(self.library.used[part], fillers, np.int32(-1))
        return Plan(part, entities, np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])), cells

    def part_table(self, statements: Statements, segments: Segments | None) -> NDArray[np.int32]:
        """Return (S, 5), the parts of each statement in the order of the text: framing, core, mark, closing, mark; -1 for none."""
        table = np.full((statements.core.size, 5), -1, dtype=np.int32)
        table[:, 0], table[:, 1], table[:, 3] = statements.framing, statements.core, statements.closing
        if self.source.reflects and segments is not None:
            table[:, [2, 4]] = self._marks(statements, segments)
        return table

    def _marks(self, statements: Statements, segments: Segments) -> NDArray[np.int32]:
        """(S, 2): fragment index of the mark after each sentence, -1 for none."""
        config, hazards = self.config.reflection, len(self._mark_table[0])
        written = segments.ends & (segments.number % config.interval == config.interval - 1)
        if config.start > 0:
            position = self.training_position(statements.index)
            written &= (position >= config.start * len(self))[:, None]
        flagged, hazard = segments.flagged, segments.hazard.astype(np.int64)
        if config.label_noise > 0:
            counter = statements.slot[:, None] * 2 + np.arange(2)
            flagged = flagged ^ (uniform(self._noise_key("flip"), counter.ravel()).reshape(counter.shape) < config.label_noise)
            drawn = below(self._noise_key("hazard"), counter.ravel(), hazards).reshape(counter.shape)
            hazard = np.where(hazard >= 0, hazard, drawn)
        return np.where(written, self._mark_table[flagged.astype(np.int64), hazard], -1).astype(np.int32)

    def _noise_key(self, purpose: str) -> NDArray[np.uint64]:
        return make_key(self.world.content_hash, self.config.seed, "label noise", purpose)

    @cached_property
    def _mark_table(self) -> NDArray[np.int32]:
        """(2, hazards): fragment index of the mark of an unflagged and a flagged segment, -1 where the condition writes none."""
        hazards = tuple(self.world.hazard_names) or ("",)
        texts = [[self.source.mark(flag, hazard, self.config.reflection) for hazard in hazards] for flag in (False, True)]
        return np.array([[self.library.index_of(text) if text else -1 for text in row] for row in texts], dtype=np.int32)

    @cached_property
    def _name_words(self) -> NDArray[np.int32]:
        return np.array([len(name.split()) for name in self.world.names.tolist()], dtype=np.int32)

    @cached_property
    def _reverse_types(self) -> NDArray[np.bool_]:
        return np.array([direction == "reverse" for _, direction in self.table.types])
