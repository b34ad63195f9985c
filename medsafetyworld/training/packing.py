"""Documents of any length in rows of one length, without attention or loss across their borders."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORED = -100
"""Label of a position whose token is not to be predicted."""
LOOK_AHEAD = 256
"""Pieces among which the next one to fit into a row is searched."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Packed rows, each array int32 of shape `(rows, sequence_length)`.

    A document's tokens have positions 0, 1, 2, ...; attention does not cross to where positions restart. `labels` are the
    tokens themselves (a model shifts them), `IGNORED` at padding, at a document's first token and wherever no loss is wanted.
    """

    input_ids: NDArray[np.int32]
    position_ids: NDArray[np.int32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.input_ids)

    def __getitem__(self, index: slice | NDArray[np.int64]) -> Rows:
        return Rows(self.input_ids[index], self.position_ids[index], self.labels[index])

    @property
    def tokens(self) -> int:
        """Number of tokens to be predicted."""
        return int((self.labels[:, 1:] != IGNORED).sum())


def join(first: Rows, second: Rows, padding_id: int) -> Rows:
    """Return the rows of both, the shorter ones padded on the right."""
    width = max(first.input_ids.shape[1], second.input_ids.shape[1])
    first, second = _widen(first, width, padding_id), _widen(second, width, padding_id)
    return Rows(
        np.concatenate([first.input_ids, second.input_ids]),
        np.concatenate([first.position_ids, second.position_ids]),
        np.concatenate([first.labels, second.labels]),
    )


def _widen(rows: Rows, width: int, padding_id: int) -> Rows:
    missing = ((0, 0), (0, width - rows.input_ids.shape[1]))
    return Rows(
        np.pad(rows.input_ids, missing, constant_values=padding_id),
        np.pad(rows.position_ids, missing),
        np.pad(rows.labels, missing, constant_values=IGNORED),
    )


def end_documents(ids: NDArray[np.int32], offsets: NDArray[np.int64], end_id: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Write `end_id` after every document that is not empty; return the new ids and offsets, without the empty documents."""
    lengths = np.diff(offsets)
    lengths = lengths[lengths > 0]
    ends = np.cumsum(lengths)
    return np.insert(ids[offsets[0] : offsets[-1]], ends, end_id).astype(np.int32, copy=False), np.concatenate(
        [[0], ends + np.arange(1, len(ends) + 1)]
    ).astype(np.int64)


def cut(offsets: NDArray[np.int64], sequence_length: int) -> NDArray[np.int64]:
    """Return the offsets of pieces: documents, those longer than a row cut into whole rows and a rest."""
    lengths = np.diff(offsets)
    pieces = -(-lengths // sequence_length)
    first = np.cumsum(pieces) - pieces
    within = np.arange(int(pieces.sum()), dtype=np.int64) - np.repeat(first, pieces)
    return np.append(np.repeat(offsets[:-1], pieces) + within * sequence_length, offsets[-1]).astype(np.int64)


def place(lengths: NDArray[np.int64], sequence_length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and the column of every piece.

    The oldest waiting piece opens a row; then the longest one that fits, among the next `LOOK_AHEAD`, follows, until none does.
    Order is so nearly kept, no piece waits for ever, and little is padded.

    Args:
        lengths: lengths of the pieces, each in 1 to `sequence_length`.
        sequence_length: tokens a row.
    """
    waiting: list[deque[int]] = [deque() for _ in range(sequence_length + 1)]
    present = 0  # bit n: some waiting piece has n tokens
    sizes: list[int] = lengths.tolist()
    rows, columns, placed = [0] * len(sizes), [0] * len(sizes), bytearray(len(sizes))
    row = entered = done = oldest = 0
    while done < len(sizes):
        while oldest < entered and placed[oldest]:
            oldest += 1
        space, size = sequence_length, sizes[oldest]
        while True:
            while entered < len(sizes) and entered - done < LOOK_AHEAD:
                waiting[sizes[entered]].append(entered)
                present |= 1 << sizes[entered]
                entered += 1
            piece = waiting[size].popleft()
            if not waiting[size]:
                present ^= 1 << size
            rows[piece], columns[piece], placed[piece] = row, sequence_length - space, 1
            done += 1
            space -= size
            size = (present & ((2 << space) - 1)).bit_length() - 1
            if size < 1:
                break
        row += 1
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)


def pack(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    sequence_length: int,
    *,
    padding_id: int,
    labels: NDArray[np.int32] | None = None,
    attend_across_documents: bool = False,
) -> Rows:
    """Pack documents into rows.

    Args:
        ids: int32 tokens of all documents, their ends included.
        offsets: int64 `(documents + 1,)`, where each document begins in `ids`; none is empty.
        sequence_length: tokens a row.
        padding_id: token that fills what is left of a row.
        labels: what is to be predicted, aligned with `ids`; None: every token but a document's first.
        attend_across_documents: give a row one run of positions, so that attention and loss cross the borders of documents.
    """
    pieces = cut(offsets, sequence_length)
    lengths = np.diff(pieces)
    row, column = place(lengths, sequence_length)
    count = int(row.max()) + 1 if len(row) else 0
    within = np.arange(len(ids), dtype=np.int64) - np.repeat(pieces[:-1], lengths)
    target = np.repeat(row * sequence_length + column, lengths) + within
    shape = (count, sequence_length)
    input_ids = np.full(shape, padding_id, dtype=np.int32)
    position_ids = np.zeros(shape, dtype=np.int32)
    wanted = np.full(shape, IGNORED, dtype=np.int32)
    input_ids.ravel()[target] = ids
    wanted.ravel()[target] = ids if labels is None else labels
    if attend_across_documents:
        position_ids[:] = np.arange(sequence_length, dtype=np.int32)
    else:
        position_ids.ravel()[target] = within
        wanted.ravel()[target[within == 0]] = IGNORED
    return Rows(input_ids, position_ids, wanted)
