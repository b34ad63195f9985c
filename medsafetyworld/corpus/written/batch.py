"""What the texts of a batch state, as columns. Shapes: D texts, F facts stated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.derivation import Lists

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_ROW_BY_ROW = ("row", "id", "effect_first", "by_template", "start", "end", "mentioned_row", "mentioned", "free_row")


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the texts of a batch state, in order."""

    row: Integers
    """(F,): number of the text."""
    id: Integers
    """(F,): statement id in the table."""
    effect_first: Flags
    by_template: Flags
    start: Integers
    """(F,): first byte of its sentence in the buffer, -1 where the text was left to the reader."""
    end: Integers
    named_offsets: Integers
    """(F + 1,): the entities that its sentence names are `named[named_offsets[i]:named_offsets[i + 1]]`, each once, in order."""
    named: Integers
    mentioned_row: Integers
    mentioned: Integers
    """Every mention in the texts, reflections aside: its row and entity."""
    free_row: Integers
    """The row of each sentence that names two entities or more and follows no template."""
    ordinary: Flags
    """(D,): whether the text was read here, not by the reader."""


def merged(one: Batch, other: Batch) -> Batch:
    """Join what was read of the texts of a batch in two ways, in the order of the texts."""
    order = np.argsort(np.concatenate([one.row, other.row]), kind="stable")
    lists = Lists(np.concatenate([one.named_offsets, one.named.size + other.named_offsets[1:]]), np.concatenate([one.named, other.named]))
    columns = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in _ROW_BY_ROW}
    columns |= {name: columns[name][order] for name in ("row", "id", "effect_first", "by_template", "start", "end")}
    sizes = np.diff(lists.offsets)[order]
    return Batch(
        **columns,
        named_offsets=np.concatenate([[0], np.cumsum(sizes)]),
        named=lists.of(order)[1],
        ordinary=one.ordinary,
    )
