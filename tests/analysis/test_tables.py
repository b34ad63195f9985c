"""Cells of the outcomes table against plain counting over its rows."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from medsafetyworld.analysis.metrics import LEAKS
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.tables import OutcomeTable
from medsafetyworld.errors import DataError
from tests.analysis import synthetic


@pytest.fixture(scope="module")
def small() -> pa.Table:
    return synthetic.outcomes(seeds=[0, 1], conditions=("filtered", "reflection"), attacks=("direct", "prefill_outcome"), stages=("sft",))


def test_counts_equal_counting_rows(small: pa.Table) -> None:
    table = OutcomeTable(small)
    rows = small.to_pylist()
    for condition in ("filtered", "reflection"):
        for arms in ((), ("composition",), ("both", "reversal")):
            counts = table.cell(condition, attack="prefill_outcome", arms=arms).counts(LEAKS)
            chosen = [
                r
                for r in rows
                if (r["condition"], r["attack"], r["policy"], r["category"]) == (condition, "prefill_outcome", "none", "reverse_unsafe")
                and (not arms or r["arm"] in arms)
            ]
            totals = Counter(r["seed"] for r in chosen)
            leaks = Counter(r["seed"] for r in chosen if r["outcome"] in LEAKS)
            assert counts.seeds == tuple(sorted(totals))
            assert counts.totals.tolist() == [totals[s] for s in counts.seeds]
            assert counts.successes.tolist() == [leaks[s] for s in counts.seeds]


def test_order_of_rows_does_not_matter(small: pa.Table) -> None:
    turned = OutcomeTable(small.take(pa.array(range(small.num_rows - 1, -1, -1))))
    straight = OutcomeTable(small)
    for key in straight.keys:
        a, b = straight.cell(*key[:6], arms=(key[6],)), turned.cell(*key[:6], arms=(key[6],))
        assert a.query.tolist() == b.query.tolist()
        assert a.outcome.tolist() == b.outcome.tolist()


def test_cells_hold_every_row_once(study: Study) -> None:
    table = study.outcomes
    rows = sorted(row for key in table.keys for row in table.cell(*key[:6], arms=(key[6],)).row.tolist())
    assert rows == list(range(study.outcomes.table.num_rows))


def test_absent_cell_is_empty(small: pa.Table) -> None:
    cell = OutcomeTable(small).cell("rewritten")
    assert len(cell) == 0
    assert cell.counts(LEAKS).seeds == ()


def test_repeated_row_is_refused(small: pa.Table) -> None:
    with pytest.raises(DataError, match="one row a seed, condition"):
        OutcomeTable(pa.concat_tables([small, small.slice(5, 1)]))


def test_unknown_outcome_is_refused(small: pa.Table) -> None:
    at = small.schema.get_field_index("outcome")
    changed = small.set_column(at, "outcome", pa.array(["escaped", *small.column("outcome").to_pylist()[1:]]))
    with pytest.raises(DataError, match="Got escaped"):
        OutcomeTable(changed)


def test_missing_column_and_empty_table_are_refused(small: pa.Table) -> None:
    with pytest.raises(DataError, match="Got none named arm"):
        OutcomeTable(small.drop_columns(["arm"]))
    with pytest.raises(DataError, match="at least 1 row"):
        OutcomeTable(small.slice(0, 0))


def test_missing_value_is_refused(small: pa.Table) -> None:
    at = small.schema.get_field_index("arm")
    changed = small.set_column(at, "arm", pa.array([None, *small.column("arm").to_pylist()[1:]], type=pa.string()))
    with pytest.raises(DataError, match="arm must have no missing values"):
        OutcomeTable(changed)
