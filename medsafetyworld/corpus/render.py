"""Plans (which fragments, filled with which entities) and the text that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
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


def render_parts(plan: Plan, library: Library, names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the text of each part, shape (P,), filled fragment by fragment."""
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
    parts = render_parts(plan, library, names).tolist()
    bounds = plan.offsets.tolist()
    return [" ".join(parts[start:stop]) for start, stop in pairwise(bounds)]
