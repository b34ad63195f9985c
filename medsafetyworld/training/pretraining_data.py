"""A corpus as packed rows, chunk by chunk in its training order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import DataError
from medsafetyworld.training.config import PretrainConfig
from medsafetyworld.training.packing import Rows, cut, end_documents, pack, place
from medsafetyworld.training.token_ids import TokenTable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHUNK_DOCUMENTS = 65_536
"""Documents that are planned and packed together; memory is bounded by one chunk."""


class PackedCorpus:
    """The rows of a corpus, in training order. Row r is a pure function of the corpus and r; nothing is stored but one chunk.

    Args:
        corpus: what is written.
        tokenizer: the world's tokenizer.
        config: length of rows, and whether documents see each other.
    """

    def __init__(self, corpus: Corpus, tokenizer: PreTrainedTokenizerFast, config: PretrainConfig) -> None:
        self.corpus = corpus
        self.config = config
        self.table = TokenTable(tokenizer, corpus.library, corpus.world.names)
        self._chunks = -(-len(corpus) // CHUNK_DOCUMENTS)
        self._ends: list[int] = []  # row number after each chunk that was counted so far
        self._chunk = lru_cache(maxsize=1)(self._pack_chunk)

    def __len__(self) -> int:
        """Return the number of rows; counts all chunks once. Raises `DataError` for a corpus in which every document is empty."""
        while len(self._ends) < self._chunks:
            self._count_next()
        if not self._ends or self._ends[-1] == 0:
            raise DataError(f"corpus {self.corpus.condition.name!r} must hold a document that is not empty. Got none.")
        return self._ends[-1]

    def rows(self, start: int, stop: int) -> Rows:
        """Return rows `start` to `stop`; after the last row the first follows again."""
        return self.take(np.arange(start, stop, dtype=np.int64))

    def take(self, indices: NDArray[np.int64]) -> Rows:
        """Return the rows with these numbers, modulo the number of rows."""
        while len(self._ends) < self._chunks and int(indices.max()) >= (self._ends[-1] if self._ends else 0):
            self._count_next()
        if len(self._ends) == self._chunks:
            indices = indices % len(self)
        chunk_of = np.searchsorted(self._ends, indices, side="right")
        parts = Rows(*(np.empty((len(indices), self.config.sequence_length), dtype=np.int32) for _ in range(3)))
        for chunk in np.unique(chunk_of).tolist():
            wanted = np.flatnonzero(chunk_of == chunk)
            found = self._chunk(chunk)[indices[wanted] - (self._ends[chunk - 1] if chunk else 0)]
            parts.input_ids[wanted], parts.position_ids[wanted], parts.labels[wanted] = found.input_ids, found.position_ids, found.labels
        return parts

    def _indices(self, chunk: int) -> NDArray[np.int64]:
        start = chunk * CHUNK_DOCUMENTS
        return self.corpus.training_order(start, min(start + CHUNK_DOCUMENTS, len(self.corpus)))

    def _count_next(self) -> None:
        chunk = len(self._ends)
        before = self._ends[-1] if self._ends else 0
        if self._chunks == 1:
            self._ends.append(len(self._chunk(0)))  # packed now and kept
            return
        lengths = self.table.document_lengths(self.corpus.plan(self._indices(chunk)))
        ends = np.cumsum(np.append(0, lengths[lengths > 0] + 1))
        row, _ = place(np.diff(cut(ends, self.config.sequence_length)), self.config.sequence_length)
        self._ends.append(before + (int(row.max()) + 1 if len(row) else 0))

    def _pack_chunk(self, chunk: int) -> Rows:
        ids, offsets = self.table.ids(self.corpus.plan(self._indices(chunk)))
        return pack(
            *end_documents(ids, offsets, self.table.end_id),
            self.config.sequence_length,
            padding_id=self.table.padding_id,
            attend_across_documents=self.config.attend_across_documents,
        )
