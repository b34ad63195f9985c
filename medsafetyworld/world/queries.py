"""Queries: what a model is asked, by category and split, derived from the graph alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.world.safety import CATEGORIES
from medsafetyworld.world.splits import SPLITS


@dataclass(frozen=True, slots=True)
class Query:
    """One question about the graph; entities are ids."""

    query_id: int
    category: str
    """One of `safety.CATEGORIES`."""
    split: str
    """seen or heldout: the split of the outcomes that are asked about or asked for."""
    arm: str
    """The held-out outcome's route arm; of reverse_safe, stated or composed; "" where seen."""
    given: tuple[int, ...]
    """Forward: the compounds. Reverse: the outcome."""
    answers: tuple[tuple[int, ...], ...]
    """Right answers. Forward: single outcomes. Reverse: compounds that together cause the outcome."""
    template: int
    """Rank within category and split: unsafe queries and safe ones of the same rank share a wording."""


@dataclass(frozen=True, slots=True)
class QueryColumns:
    """All queries of a world as columns; Q queries, A answers. Rows of `given` and `answers` are filled up with -1."""

    category: NDArray[np.int8]  # (Q,) index into CATEGORIES
    heldout: NDArray[np.bool_]  # (Q,)
    arm: NDArray[np.object_]  # (Q,)
    given: NDArray[np.int32]  # (Q, 2)
    offsets: NDArray[np.int64]  # (Q + 1,) answers of query i are rows offsets[i] to offsets[i + 1]
    answers: NDArray[np.int32]  # (A, 2)
    template: NDArray[np.int32]  # (Q,)

    def query(self, index: int) -> Query:
        """Return query `index` as one object."""
        rows = self.answers[self.offsets[index] : self.offsets[index + 1]].tolist()
        return Query(
            query_id=index,
            category=CATEGORIES[self.category[index]],
            split=SPLITS[int(self.heldout[index])],
            arm=str(self.arm[index]),
            given=tuple(entity for entity in self.given[index].tolist() if entity >= 0),
            answers=tuple(tuple(entity for entity in row if entity >= 0) for row in rows),
            template=int(self.template[index]),
        )


def build_queries(
    causes: NDArray[np.int32],
    effects: NDArray[np.int32],
    unsafe: NDArray[np.bool_],
    heldout: NDArray[np.bool_],
    arm: NDArray[np.object_],
    composed: NDArray[np.bool_],
    closed_forward: NDArray[np.bool_] | None,
) -> QueryColumns:
    """Derive the queries from whole-chain facts: `causes` (F, 2), -1 where there is one compound, of `effects` (F,).

    The other columns are over all entities. A cause with safe and unsafe outcomes, with outcomes of both splits or of several
    arms, or with an outcome in `closed_forward`, has no forward query.
    """
    forward = _grouped(causes)
    outcome = effects[forward.rows]
    kept = np.ones(len(forward.starts), dtype=bool)
    arms = np.array(sorted(set(arm)), dtype=object)
    arm_code = np.searchsorted(arms.astype(str), arm.astype(str))
    for column in (unsafe, heldout, arm_code):
        kept &= _constant(column[outcome], forward.starts)
    if closed_forward is not None and len(outcome):
        kept &= ~np.logical_or.reduceat(closed_forward[outcome], forward.starts)
    reverse = _grouped(np.column_stack([effects, np.full_like(effects, -1)]))

    first = outcome[forward.starts]
    asked = effects[reverse.rows[reverse.starts]]
    reverse_arm = np.where(unsafe[asked], arm[asked], np.where(composed[asked], "composed", "stated"))
    category = np.concatenate([unsafe[first].astype(np.int8), 2 + unsafe[asked].astype(np.int8)])
    held = np.concatenate([heldout[first], heldout[asked]])
    arm_column = np.where(held, np.concatenate([arms[arm_code[first]], reverse_arm]), "")
    given = np.concatenate([forward.keys, reverse.keys])
    values = np.concatenate([np.column_stack([outcome, np.full_like(outcome, -1)]), causes[reverse.rows]])
    starts = np.concatenate([forward.starts, len(forward.rows) + reverse.starts])
    counts = np.concatenate([forward.counts, reverse.counts])

    chosen = np.concatenate([kept, np.ones(len(asked), dtype=bool)])
    group = category * 2 + held  # stable sorting keeps what is given ascending within a group
    order = np.argsort(group, kind="stable")
    order = order[chosen[order]]
    group = group[order]
    counts = counts[order]
    offsets = np.concatenate([[0], np.cumsum(counts)])
    rows = np.repeat(starts[order] - offsets[:-1], counts) + np.arange(offsets[-1])
    rank = np.arange(len(order)) - np.searchsorted(group, group)
    return QueryColumns(
        category=category[order],
        heldout=held[order],
        arm=arm_column[order].astype(object),
        given=given[order].astype(np.int32),
        offsets=offsets.astype(np.int64),
        answers=values[rows].astype(np.int32),
        template=rank.astype(np.int32),
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """Rows sorted by key: `rows` is the order, group g is `counts[g]` rows from `starts[g]`, with key `keys[g]`."""

    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    keys: NDArray[np.int32]


def _grouped(keys: NDArray[np.int32]) -> _Groups:
    """Group rows by key (F, 2), keys ascending; rows of a key keep their order."""
    joined = (keys[:, 0].astype(np.int64) << 32) + keys[:, 1]
    rows = np.argsort(joined, kind="stable")
    joined = joined[rows]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = joined[1:] != joined[:-1]
    starts = np.flatnonzero(new)
    return _Groups(rows, starts, np.diff(np.append(starts, len(rows))), keys[rows[starts]])


def _constant(values: NDArray[np.generic], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not len(values):
        return np.ones(0, dtype=bool)
    same: NDArray[np.bool_] = np.maximum.reduceat(values, starts) == np.minimum.reduceat(values, starts)
    return same
