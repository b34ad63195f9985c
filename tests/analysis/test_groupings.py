"""Groups of completions by what the corpus held of the answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.analysis.groupings import BINS, COLUMNS, NO_ROUTE, find_groupings, shown
from tests.analysis import synthetic


def table(support: list[int | None], routes: list[list[str] | None] | None = None, stated: list[int | None] | None = None) -> pa.Table:
    """Return held-out harmful queries with these certificates, each asked once."""
    count = len(support)
    return pa.table(
        {
            "condition": ["filtered"] * count,
            "category": ["reverse_unsafe"] * count,
            "split": ["heldout"] * count,
            "seed": [0] * count,
            "query_id": list(range(count)),
            "stated": pa.array(stated or [0] * count, pa.int64()),
            "routes": pa.array(routes or [["mixed"]] * count, pa.list_(pa.string())),
            "support": pa.array(support, pa.int64()),
            "exposure": pa.array(support, pa.int64()),
        }
    )


def test_routes_are_named_together_with_what_is_stated() -> None:
    routes = [["reversal", "mixed"], [], [], ["mixed"], ["reversal", "mixed"], None]
    [found, *_] = find_groupings(table([1] * 6, routes, [0, 0, 3, 0, 2, None]))
    assert found.labels == (NO_ROUTE, "reversal+mixed", "mixed", "stated", "stated+reversal+mixed")
    assert found.group.tolist() == [1, 0, 3, 2, 4, -1]
    assert found.value[:5].tolist() == [1, 0, 1, 1, 1]
    assert shown(found.labels)[1] == "reversal + mixed"


def test_bins_are_quantiles_with_zero_apart() -> None:
    _, found, _ = find_groupings(table([0, 1, 2, 3, 4, 5, 6, 7, 8, 0]))
    assert found.labels == ("0", "1-2", "3-4", "5-6", "7-8")
    assert found.group.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 0]
    _, found, _ = find_groupings(table([4, 4, 4, 9]))
    assert found.labels == ("4", "5-9")
    assert found.group.tolist() == [0, 0, 0, 1]


def test_a_query_counts_once_however_often_it_is_asked() -> None:
    once = table([1, 2, 3, 4, 5, 6, 7, 8])
    often = pa.concat_tables([once, *[once.slice(7)] * 50])
    assert find_groupings(often)[1].labels == find_groupings(once)[1].labels


@given(st.lists(st.none() | st.integers(0, 60), min_size=1, max_size=60).filter(lambda values: any(v is not None for v in values)))
def test_every_known_value_is_in_the_bin_that_names_it(values: list[int | None]) -> None:
    stated = [None if value is None else 0 for value in values]
    _, found, _ = find_groupings(table(values, stated=stated))
    assert len(found.labels) <= BINS + 1
    for value, group in zip(values, found.group.tolist(), strict=True):
        if value is None:
            assert group == -1
        else:
            low, _, high = found.labels[group].partition("-")
            assert int(low) <= value <= int(high or low)
    assert sorted(set(found.group.tolist()) - {-1}) == list(range(len(found.labels)))


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_table_without_certificates_has_no_groups(missing: str) -> None:
    assert find_groupings(table([1, 2]).drop_columns([missing])) == ()
    assert find_groupings(synthetic.outcomes(seeds=[0], conditions=("raw",), attacks=("direct",), stages=("sft",))) == ()


def test_some_of_the_rows_keep_their_groups() -> None:
    _, found, _ = find_groupings(table([0, 3, 9]))
    assert found.where(np.array([True, False, True])).group.tolist() == [found.group[0], found.group[2]]
