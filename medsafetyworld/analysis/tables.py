"""The outcomes table as cells: one cell a (condition, stage, attack, policy, category, split, arm), one row in it a seed and query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from medsafetyworld.analysis.groupings import Grouping
from medsafetyworld.analysis.labels import (
    ARMS,
    ATTACKS,
    BENIGN_OUTCOMES,
    CATEGORIES,
    CONDITIONS,
    HARMFUL_OUTCOMES,
    POLICIES,
    ordered,
    ordered_stages,
)
from medsafetyworld.errors import DataError

KEY = ("condition", "stage", "attack", "policy", "category", "split", "arm")
COLUMNS = ("seed", *KEY, "query_id", "outcome", "depth", "tokens_to_leak", "tokens_to_flag", "prompt", "prefill", "completion")
OUTCOME_NAMES = tuple(dict.fromkeys((*HARMFUL_OUTCOMES, *BENIGN_OUTCOMES)))
OUTCOME_CODE = {name: code for code, name in enumerate(OUTCOME_NAMES)}
HARMFUL_CATEGORY = "reverse_unsafe"

Key = tuple[str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """Successes and observations of each seed, seeds rising."""

    seeds: tuple[int, ...]
    successes: NDArray[np.int64]
    totals: NDArray[np.int64]

    def only(self, seeds: Iterable[int]) -> Counts:
        """Return the counts of those of `seeds` that are here."""
        kept = set(seeds)
        mask = np.array([seed in kept for seed in self.seeds], dtype=bool)
        return Counts(tuple(s for s in self.seeds if s in kept), self.successes[mask], self.totals[mask])


@dataclass(frozen=True, slots=True)
class Cell:
    """Judged completions of one cell (or of several pooled ones), sorted by seed and query.

    `outcome` holds indices into `OUTCOME_NAMES`; `tokens_to_leak` and `tokens_to_flag` are NaN where there was none.
    """

    seed: NDArray[np.int64]
    query: NDArray[np.int64]
    outcome: NDArray[np.int64]
    depth: NDArray[np.float64]
    tokens_to_leak: NDArray[np.float64]
    tokens_to_flag: NDArray[np.float64]
    row: NDArray[np.int64]
    """Rows of the table."""

    def __len__(self) -> int:
        return int(self.seed.size)

    @staticmethod
    def pooled(cells: Sequence[Cell]) -> Cell:
        """Return the completions of several cells, at least one, together."""
        together = Cell(*(np.concatenate([getattr(cell, column.name) for cell in cells]) for column in fields(Cell)))
        return together.where(np.lexsort((together.query, together.seed)))

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Cell:
        """Return some of the completions: those for which a value a completion is true, or those at these places."""
        return Cell(*(getattr(self, column.name)[chosen] for column in fields(self)))

    def flags(self, outcomes: Iterable[str]) -> NDArray[np.bool_]:
        """Return which completions had one of `outcomes`."""
        table = np.zeros(len(OUTCOME_NAMES), dtype=bool)
        table[[OUTCOME_CODE[name] for name in outcomes]] = True
        return table[self.outcome]

    def counts(self, outcomes: Iterable[str]) -> Counts:
        """Return how many completions of each seed had one of `outcomes`."""
        if not len(self):
            return Counts((), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
        starts = np.flatnonzero(np.concatenate([[True], self.seed[1:] != self.seed[:-1]]))
        totals = np.diff(np.append(starts, len(self)))
        successes = np.add.reduceat(self.flags(outcomes).astype(np.int64), starts)
        return Counts(tuple(self.seed[starts].tolist()), successes, totals)

    def means(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
        """Return (S,) means of `values` over each seed's rows that have one, and the number of rows that do."""
        known = ~np.isnan(values)
        seeds, place = np.unique(self.seed[known], return_inverse=True)
        totals = np.bincount(place, minlength=seeds.size)
        sums = np.bincount(place, weights=values[known], minlength=seeds.size)
        return np.asarray(sums / totals, dtype=np.float64), int(known.sum())


class OutcomeTable:
    """Index over an outcomes table; raises `DataError` for a missing column, an unknown outcome or a repeated row.

    `groupings` sort its rows by what the corpus held of the answer; () for a table that does not say.
    """

    def __init__(self, table: pa.Table, groupings: tuple[Grouping, ...] = ()) -> None:
        self.groupings = {grouping.name: grouping for grouping in groupings}
        check_columns(table)
        if table.num_rows == 0:
            raise DataError("outcomes.parquet must have at least 1 row. Got 0.")
        self.table = table
        coded = {name: _coded(table, name) for name in KEY}
        self._names = {name: names for name, (_, names) in coded.items()}
        code = np.zeros(table.num_rows, dtype=np.int64)
        for values, names in coded.values():
            code = code * len(names) + values
        seed, query = _integers(table, "seed"), _integers(table, "query_id")
        order = np.lexsort((query, seed, code))
        code, seed, query = code[order], seed[order], query[order]
        same = (code[1:] == code[:-1]) & (seed[1:] == seed[:-1]) & (query[1:] == query[:-1])
        if same.any():
            at = int(order[1:][same][0])
            row = {name: table.column(name)[at].as_py() for name in ("seed", *KEY, "query_id")}
            raise DataError(f"outcomes.parquet must have one row a seed, condition, stage, attack, policy and query. Got two of {row}.")
        depth, to_leak, to_flag = (_floats(table, name)[order] for name in ("depth", "tokens_to_leak", "tokens_to_flag"))
        self._sorted = Cell(seed, query, _outcome_codes(table)[order], depth, to_leak, to_flag, order)
        starts = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]]))
        ends = np.append(starts[1:], code.size)
        self._bounds: dict[Key, tuple[int, int]] = {}
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            self._bounds[self._decode(int(code[start]))] = (start, end)

    def _decode(self, code: int) -> Key:
        parts = []
        for name in reversed(KEY):
            code, at = divmod(code, len(self._names[name]))
            parts.append(self._names[name][at])
        a, b, c, d, e, f, g = reversed(parts)
        return a, b, c, d, e, f, g

    @property
    def keys(self) -> Iterable[Key]:
        """All cells that have rows."""
        return self._bounds.keys()

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        return tuple(int(s) for s in np.unique(self._sorted.seed))

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        return ordered(self._names["condition"], CONDITIONS)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        return ordered_stages(self._names["stage"])

    @cached_property
    def attacks(self) -> tuple[str, ...]:
        return ordered(self._names["attack"], ATTACKS)

    @cached_property
    def policies(self) -> tuple[str, ...]:
        return ordered(self._names["policy"], POLICIES)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        return ordered(self._names["category"], CATEGORIES)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        return ordered(self._names["split"], ("heldout", "seen"))

    def arms(self, category: str, split: str = "heldout") -> tuple[str, ...]:
        """Return the arms of a category, in the order in which they are shown."""
        return self._arms.get((category, split), ())

    @cached_property
    def _arms(self) -> dict[tuple[str, str], tuple[str, ...]]:
        found: dict[tuple[str, str], set[str]] = {}
        for key in self._bounds:
            found.setdefault((key[4], key[5]), set()).add(key[6])
        return {where: ordered(arms, ARMS) for where, arms in found.items()}

    def cell(
        self,
        condition: str,
        stage: str = "sft",
        attack: str = "direct",
        policy: str = "none",
        category: str = HARMFUL_CATEGORY,
        split: str = "heldout",
        arms: Iterable[str] = (),
    ) -> Cell:
        """Return the completions of a cell, pooled over `arms` (none named: over all); without rows, an empty cell."""
        names = tuple(arms) or self.arms(category, split)
        bounds = [self._bounds[key] for arm in names if (key := (condition, stage, attack, policy, category, split, arm)) in self._bounds]
        return self._take(bounds)

    def pooled(self, categories: Iterable[str], condition: str, stage: str, attack: str = "direct", policy: str = "none") -> Cell:
        """Return the held-out completions of several categories together."""
        keys = [(condition, stage, attack, policy, c, "heldout", arm) for c in categories for arm in self.arms(c)]
        return self._take([self._bounds[key] for key in keys if key in self._bounds])

    def _take(self, bounds: list[tuple[int, int]]) -> Cell:
        s = self._sorted
        at = np.concatenate([np.arange(start, end) for start, end in bounds]) if bounds else np.zeros(0, dtype=np.int64)
        if len(bounds) > 1:
            at = at[np.lexsort((s.query[at], s.seed[at]))]
        return Cell(s.seed[at], s.query[at], s.outcome[at], s.depth[at], s.tokens_to_leak[at], s.tokens_to_flag[at], s.row[at])


def check_columns(table: pa.Table) -> None:
    """Raise `DataError` where an outcomes table lacks a column that every run has."""
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise DataError(f"outcomes.parquet must have the columns {', '.join(COLUMNS)}. Got none named {', '.join(missing)}.")


def _coded(table: pa.Table, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    column = table.column(name)
    if column.null_count:
        raise DataError(f"outcomes.parquet: {name} must have no missing values. Got {column.null_count}.")
    chunk = column.cast(pa.string()).combine_chunks().dictionary_encode()
    chunk = chunk.combine_chunks() if isinstance(chunk, pa.ChunkedArray) else chunk
    return chunk.indices.to_numpy(zero_copy_only=False).astype(np.int64), tuple(chunk.dictionary.to_pylist())


def _integers(table: pa.Table, name: str) -> NDArray[np.int64]:
    column = table.column(name)
    if column.null_count:
        raise DataError(f"outcomes.parquet: {name} must have no missing values. Got {column.null_count}.")
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def _outcome_codes(table: pa.Table) -> NDArray[np.int64]:
    codes, names = _coded(table, "outcome")
    unknown = sorted(set(names) - set(OUTCOME_CODE))
    if unknown:
        raise DataError(f"outcomes.parquet: outcome must be one of {', '.join(OUTCOME_NAMES)}. Got {', '.join(unknown)}.")
    return np.array([OUTCOME_CODE[name] for name in names], dtype=np.int64)[codes]
