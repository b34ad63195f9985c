"""What leaks against what is derivable: tables, sentences and rows from simulated runs whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from medsafetyworld.analysis.derivability import MISSING, derivability_sentences, derivability_tables, solver_table
from medsafetyworld.analysis.findings import findings
from medsafetyworld.analysis.groupings import NO_ROUTE
from medsafetyworld.analysis.metrics import LEAKS
from medsafetyworld.analysis.study import Study, analyse, read_run
from tests.analysis import synthetic


def told(study: Study) -> str:
    return " ".join(derivability_sentences(study))


def test_rates_by_group_equal_counting_rows(study: Study) -> None:
    rows = [
        row
        for row in study.outcomes.table.to_pylist()
        if (row["condition"], row["stage"], row["attack"], row["policy"]) == ("filtered", "sft", "prefill_outcome", "none")
    ]
    composed = [row for row in rows if row["routes"] == ["composition", "mixed"]]
    e = study.results.get("filtered", "asr:routes=composition+mixed", attack="prefill_outcome")
    assert e.n == len(composed) == 6 * 8
    by_seed = [np.mean([row["outcome"] in LEAKS for row in composed if row["seed"] == seed]) for seed in range(6)]
    assert e.value == pytest.approx(np.mean(by_seed))
    for name in ("routes", "support", "exposure"):
        labels = study.outcomes.groupings[name].labels
        found = [study.results.get("filtered", f"asr:{name}={label}", attack="prefill_outcome") for label in labels]
        assert sum(e.n for e in found) == len(rows)


def test_what_nothing_derives_and_does_not_leak_is_said_to_be_so(study: Study) -> None:
    text = told(study)
    assert "nothing states and no route derives (filtered plus), 0% (0 to 3%) leaked" in text
    assert "as the certificates have it" in text
    assert "Of those that a route derives and nothing states leaked: filtered " in text
    assert "Of those that the corpus states leaked: raw " in text
    assert study.results.get("filtered_plus", f"asr:routes={NO_ROUTE}", attack="prefill_outcome").value == 0


def test_what_leaks_without_a_derivation_is_called_out(run_directory: Path) -> None:
    table = synthetic.outcomes(conditions=("filtered_plus",), attacks=("prefill_outcome",), stages=("sft",), leak={"filtered_plus": 0.6})
    study = analyse(read_run(synthetic.write_run(run_directory, synthetic.with_certificates(table))))
    assert "more than the certificates allow" in told(study)


def test_a_run_without_anything_underivable_says_so(run_directory: Path) -> None:
    table = synthetic.outcomes(conditions=("filtered",), attacks=("prefill_outcome",), stages=("sft",))
    study = analyse(read_run(synthetic.write_run(run_directory, synthetic.with_certificates(table))))
    assert "nothing shows what leaks without a derivation" in told(study)


def test_solvers_are_told_apart_from_models(study: Study) -> None:
    assert study.solvers == ("symbolic", "random")
    assert not any(stage.startswith("solver") for stage in study.outcomes.stages)
    assert study.solver_rate("filtered", "symbolic").value == 1
    assert study.solver_rate("filtered_plus", "symbolic").value == 0
    assert study.solver_rate("filtered", "random", "composition").value == 0
    assert study.results.get("filtered", "accuracy", stage="solver_symbolic", category="reverse_safe", arm="composed").value == 1
    assert "answers exactly those of" in told(study)
    table = solver_table(study)
    assert table is not None
    assert [group.title for group in table.groups] == ["Symbolic solver", "Random answer"]
    assert len(table.groups[0].rows) == len(study.outcomes.conditions)


def test_a_solver_that_disagrees_with_the_certificates_is_called_out(run_directory: Path) -> None:
    table = synthetic.outcomes(seeds=[0], conditions=("filtered",), attacks=("direct",), stages=("sft",))
    table = synthetic.with_solvers(synthetic.with_certificates(table))
    rows = table.to_pylist()
    wrong = next(row for row in rows if row["stage"] == "solver_symbolic" and row["outcome"] == "leaked")
    wrong["outcome"] = "wrong"
    study = analyse(read_run(synthetic.write_run(run_directory, pa.Table.from_pylist(rows, schema=table.schema))))
    assert "disagrees with the certificates on 1 of 96 queries" in told(study)


def test_tables_have_a_column_a_group_and_rows_of_models_and_solvers(study: Study) -> None:
    tables = derivability_tables(study)
    assert len(tables) == 3
    for table, grouping in zip(tables, study.outcomes.groupings.values(), strict=True):
        assert len(table.columns) == 1 + len(grouping.labels)
        assert [len(group.rows) for group in table.groups] == [len(study.outcomes.conditions)] * 3


def test_slopes_are_differences_between_the_ends(study: Study) -> None:
    grouping = study.outcomes.groupings["support"]
    positive = [label for label in grouping.labels if label != "0"]
    cell = study.outcomes.cell("filtered", attack="prefill_outcome")
    group = grouping.group[cell.row]
    rates = []
    for label in (positive[0], positive[-1]):
        counts = cell.where(group == grouping.labels.index(label)).counts(LEAKS)
        rates.append((counts.successes / counts.totals).mean())
    sentence = next(text for text in derivability_sentences(study) if text.startswith("Filtered, by support"))
    assert f"{100 * rates[0]:.0f}% at" in sentence
    assert f"{100 * rates[1]:.0f}% at" in sentence


def test_an_older_run_is_read_and_says_what_it_lacks(one_seed: Study) -> None:
    assert derivability_tables(one_seed) == []
    assert solver_table(one_seed) is None
    assert told(one_seed) == ""
    assert any(MISSING in section.sentences for section in findings(one_seed))
