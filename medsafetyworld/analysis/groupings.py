"""Completions sorted by what the model's corpus held of the answer: by open routes, by how well it is supported, by exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

COLUMNS = ("stated", "routes", "support", "exposure")
"""Columns of the outcomes table that are read here; runs of before they existed lack them."""
NO_ROUTE = "no route"
"""The group of answers that nothing states and no route derives."""
WAYS = ("stated", "reversal", "cooccurrence", "composition", "mixed")
BINS = 4


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups of rows: their labels in the order in which they are shown, and (R,) the group of each row, -1 where it is unknown."""

    name: str
    labels: tuple[str, ...]
    group: NDArray[np.int64]
    value: NDArray[np.float64]
    """(R,) the number that is binned, NaN where unknown; of routes, 1 where the answer is stated or derivable and 0 where it is not."""

    def where(self, chosen: NDArray[np.bool_]) -> Grouping:
        """Return the grouping of some of the rows."""
        return replace(self, group=self.group[chosen], value=self.value[chosen])


def find_groupings(table: pa.Table) -> tuple[Grouping, ...]:
    """Return the groupings of an outcomes table by routes, support and exposure; () where it has no certificates.

    Bins of support and exposure are quantiles over the held-out harmful queries of all conditions and seeds together, each once; those
    with no support or exposure at all are a bin of their own. A bin's label names its smallest and largest possible value.
    """
    if any(name not in table.column_names for name in COLUMNS) or table.column("stated").null_count == table.num_rows:
        return ()
    names = ("category", "split", "seed", "condition", "query_id")
    first: dict[tuple[object, ...], int] = {}
    for row, key in enumerate(zip(*(table.column(name).to_pylist() for name in names), strict=True)):
        if key[:2] == ("reverse_unsafe", "heldout"):
            first.setdefault(key, row)
    rows = np.array(list(first.values()), dtype=np.int64)
    numbers = {name: np.asarray(table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64) for name in ("support", "exposure")}
    return (_by_routes(table), *(_by_quantile(name, values, values[rows]) for name, values in numbers.items()))


def _by_routes(table: pa.Table) -> Grouping:
    stated, routes = table.column("stated").to_pylist(), table.column("routes").to_pylist()
    ways = [None if s is None else (("stated",) if s else ()) + tuple(r or ()) for s, r in zip(stated, routes, strict=True)]
    found = sorted({way for way in ways if way is not None}, key=lambda way: ("stated" in way, *(WAYS.index(route) for route in way)))
    number = {way: place for place, way in enumerate(found)}
    group = np.array([-1 if way is None else number[way] for way in ways], dtype=np.int64)
    value = np.array([np.nan if way is None else float(bool(way)) for way in ways])
    return Grouping("routes", tuple("+".join(way) or NO_ROUTE for way in found), group, value)


def _by_quantile(name: str, values: NDArray[np.float64], pooled: NDArray[np.float64]) -> Grouping:
    """Bin whole numbers by quantiles of the positive ones that are pooled; rows outside all bins are in none."""
    positive = pooled[pooled > 0].astype(np.int64)
    uppers = np.unique(np.quantile(positive, np.arange(1, BINS + 1) / BINS, method="inverted_cdf")) if positive.size else positive
    lowers = np.concatenate([[positive.min()], uppers[:-1] + 1]) if positive.size else uppers
    labels = [_label(int(low), int(high)) for low, high in zip(lowers, uppers, strict=True)]
    group = np.where((values > 0) & (values <= uppers.max(initial=0)), np.searchsorted(uppers, values), -1)
    if (pooled == 0).any():
        labels.insert(0, "0")
        group = np.where(values == 0, 0, np.where(group >= 0, group + 1, -1))
    return Grouping(name, tuple(labels), group.astype(np.int64), values)


def _label(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def shown(labels: Sequence[str]) -> list[str]:
    """Return labels as people read them."""
    return [label.replace("-", "\N{EN DASH}").replace("+", " + ") for label in labels]
