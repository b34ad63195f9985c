"""Plans (which fragments, filled with which entities) and the text that they stand for.

Shapes: P parts, D documents, S rows of fillers, C pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from medsafetyworld.corpus.library import Library


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Documents as fragments. Document d is the parts `offsets[d]:offsets[d + 1]`, joined by single spaces."""

    part: NDArray[np.int32]
    """(P,): index into `library.fragments`."""
    entities: NDArray[np.int32]
    """(P, slots): the entity in each slot that the part mentions, -1 in the others."""
    offsets: NDArray[np.int64]
    """(D + 1,): first part of each document; an emptied document has none."""


class Writer:
    """Writes parts as Arrow strings: pieces and names are looked up in one table, whose rows Arrow copies one after another.

    The copied bytes are already the text, so a string costs only the place where it ends.
    """

    def __init__(self, library: Library, names: NDArray[np.object_]) -> None:
        codes: list[int] = []
        lengths: list[int] = []
        literals: dict[str, int] = {}
        for space in ("", " "):  # every fragment as the last one of a string, then as one that another follows
            for fragment in library.fragments:
                *head, last = fragment.pieces
                pieces = [*head, last + space] if isinstance(last, str) else [*fragment.pieces, *space]
                codes += [-1 - piece if isinstance(piece, int) else literals.setdefault(piece, len(literals)) for piece in pieces]
                lengths.append(len(pieces))
        self._codes = np.array(codes, dtype=np.int32)
        self._lengths = np.array(lengths, dtype=np.int32)
        self._starts = np.cumsum(self._lengths, dtype=np.int32) - self._lengths
        self._fragments = len(library.fragments)
        self._first_name = np.int32(len(literals))
        self._table = pa.array([*literals, *names.tolist()], pa.string())

    def strings(
        self, part: NDArray[np.int32], row: NDArray[np.int64], fillers: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> pa.StringArray:
        """Return one string for each run of parts `offsets[d]:offsets[d + 1]`, joined by single spaces.

        Args:
            part: (P,) fragment indices.
            row: (P,) the row of `fillers` that fills a part's slots.
            fillers: (S, slots) entity ids.
            offsets: (D + 1,) first part of each string, from 0 to P.
        """
        form = part + np.int32(self._fragments)
        form[offsets[1:][offsets[1:] > offsets[:-1]] - 1] -= np.int32(self._fragments)
        lengths = self._lengths[form]
        ends = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(lengths, dtype=np.int32)])
        codes = self._codes[np.repeat(self._starts[form] - ends[:-1], lengths) + np.arange(ends[-1], dtype=np.int32)]
        slots = np.flatnonzero(codes < 0)
        owner = np.repeat(row, lengths)[slots]
        codes[slots] = fillers[owner, -1 - codes[slots]] + self._first_name
        return joined(pc.take(self._table, pa.array(codes)), ends[offsets])


def joined(pieces: pa.StringArray, offsets: NDArray[np.int64]) -> pa.StringArray:
    """Return one string for each run of pieces `offsets[d]:offsets[d + 1]`, which covers all pieces; copies no text."""
    if len(pieces) == 0:
        return pa.array([""] * (offsets.size - 1), pa.string())
    _, bounds, text = pieces.buffers()
    ends = np.frombuffer(bounds, dtype=np.int32, count=len(pieces) + 1, offset=4 * pieces.offset)[offsets]
    return pa.StringArray.from_buffers(offsets.size - 1, pa.py_buffer(ends), text)


def render_parts(plan: Plan, library: Library, names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the text of each part, shape (P,), filled fragment by fragment: the plain way, which `Writer` must agree with."""
    texts = np.empty(plan.part.size, dtype=object)
    order = np.argsort(plan.part, kind="stable")
    present, starts = np.unique(plan.part[order], return_index=True)
    for fragment_index, start, stop in zip(present, starts, np.append(starts, order.size)[1:], strict=True):
        fragment, rows = library.fragments[fragment_index], order[start:stop]
        form = "".join("%s" if isinstance(piece, int) else piece.replace("%", "%%") for piece in fragment.pieces)
        fillers = names[plan.entities[np.ix_(rows, fragment.slots)]].tolist() if fragment.slots else [()] * rows.size
        texts[rows] = [form % tuple(filler) for filler in fillers]
    return texts


def render(plan: Plan, library: Library, names: NDArray[np.object_]) -> list[str]:
    """Return one text a document; an emptied document's is ""."""
    strings = Writer(library, names).strings(plan.part, np.arange(plan.part.size), plan.entities, plan.offsets)
    texts: list[Any] = strings.to_pylist()
    return texts
