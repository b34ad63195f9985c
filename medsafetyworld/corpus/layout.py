"""Which statements stand in which document.

A block of n documents holds every size 1..n once, in keyed order, so it holds n(n + 1)/2 statement slots; slots run through the passes of
the statement table. Reverse statements that would join into a held-out chain never share a document: a block in which two do is filled
in another keyed order, at worst with a gap. Shapes: B blocks, K = n(n + 1)/2 slots of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.random import bits, make_key
from medsafetyworld.corpus.statements import StatementTable

ATTEMPTS = 64
"""Orders tried in a block before a statement is left out; conflicts are rare, so the second or third does almost always."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Statements of documents, in document order. Gaps are left out."""

    document: NDArray[np.int64]
    """(S,): position in the indices asked for."""
    slot: NDArray[np.int64]
    """(S,): number of the slot in the corpus, the counter of all that is drawn about the statement."""
    id: NDArray[np.int64]
    """(S,): statement id in the table."""
    gaps: int
    """Slots of these documents that stay empty."""


class LayoutPlanner:
    """Computes layouts for any document indices."""

    def __init__(self, table: StatementTable, config: CorpusConfig) -> None:
        self._table = table
        self._documents = config.statements_per_document
        self._slots = self._documents * (self._documents + 1) // 2
        world_hash = table.world.content_hash
        self._size_key = make_key(world_hash, config.seed, "sizes")
        self._order_key = make_key(world_hash, config.seed, "order")

    def layout(self, indices: NDArray[np.int64]) -> Layout:
        """Return the statements of the documents at `indices`, which may come in any order and repeat."""
        blocks, block = distinct(indices // self._documents)
        sizes = self._sizes(blocks)
        ends = np.cumsum(sizes, axis=1)
        slots, ids = self._fill(blocks, sizes)

        place = indices % self._documents
        size = sizes[block, place]
        document = np.repeat(np.arange(indices.size), size)
        within = np.arange(document.size) - np.repeat(np.cumsum(size) - size, size)
        position = np.repeat(ends[block, place] - size, size) + within
        chosen = (block[document], position)
        kept = ids[chosen] >= 0
        return Layout(document[kept], slots[chosen][kept], ids[chosen][kept], int(np.count_nonzero(~kept)))

    def _sizes(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        """(B, n): the sizes 1..n in each block's order."""
        counters = blocks[:, None] * self._documents + np.arange(self._documents)
        keys = bits(self._size_key, counters.ravel()).reshape(counters.shape)
        return np.argsort(keys, axis=1, kind="stable") + 1

    def _fill(self, blocks: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(B, K) twice: the slot number and the statement id at each place of each block."""
        slots = blocks[:, None] * self._slots + np.arange(self._slots)
        ids = self._table.row_ids(slots.ravel()).reshape(slots.shape)
        suspects = np.flatnonzero(self._table.opens_heldout_chain(ids).any(axis=1)) if self._documents > 1 else np.empty(0, dtype=np.int64)
        for start in range(0, suspects.size, 4096):
            some = suspects[start : start + 4096]
            place_document = np.repeat(np.tile(np.arange(self._documents), some.size), sizes[some].ravel()).reshape(some.size, self._slots)
            same = place_document[:, :, None] == place_document[:, None, :]
            conflicts = (self._table.joins(ids[some]) & same).any(axis=(1, 2))
            for row, same_document in zip(some[conflicts], same[conflicts], strict=True):
                slots[row], ids[row] = self._reorder(slots[row], ids[row], same_document)
        return slots, ids

    def _reorder(
        self, slots: NDArray[np.int64], ids: NDArray[np.int64], same: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return a block's slots and ids in the first keyed order without a conflict, or with gaps where none was found."""
        joins = self._table.joins(ids[None])[0]
        for attempt in range(ATTEMPTS):
            order = np.argsort(bits(self._order_key, slots * ATTEMPTS + attempt), kind="stable")
            if not (joins[np.ix_(order, order)] & same).any():
                return slots[order], ids[order]
        _, dropped = np.nonzero(joins & same)
        ids = ids.copy()
        ids[dropped] = -1
        return slots, ids


def distinct(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct values in order, and the place of each value among them; linear where values are in order already."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    new = np.ones(values.size, dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    place = np.empty(values.size, dtype=np.int64)
    place[order] = np.cumsum(new) - 1
    return ordered[new], place
