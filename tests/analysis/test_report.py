"""The report as files: complete, stable, self-contained, readable without scripts or network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from medsafetyworld.analysis.answer import answer
from medsafetyworld.analysis.examples import SHOWN, examples
from medsafetyworld.analysis.page import mark_reflections
from medsafetyworld.analysis.report import write_report
from medsafetyworld.analysis.study import Study
from medsafetyworld.errors import DataError
from tests.analysis import synthetic

VOID = {"meta", "link", "br", "hr", "img", "input", "path", "use", "rect", "circle"}


class Balance(HTMLParser):
    """Counts tags that are not closed where they should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = synthetic.outcomes(seeds=range(3), stages=("sft", "benign_raw@60"), queries_per_arm=4)
    table = synthetic.with_solvers(synthetic.with_certificates(table))
    directory = synthetic.write_run(tmp_path_factory.mktemp("report"), table)
    assert write_report(directory) == directory / "report.html"
    return directory


def test_a_second_report_has_the_same_bytes(written: Path) -> None:
    files = ["results.json", "comparisons.json", "report.html", *(f"figures/{p.name}" for p in (written / "figures").iterdir())]
    before = {name: (written / name).read_bytes() for name in files}
    write_report(written)
    assert {name: (written / name).read_bytes() for name in files} == before
    assert not list(written.rglob("*.partial"))


def test_the_page_is_balanced_and_needs_nothing_else(written: Path) -> None:
    page = (written / "report.html").read_text()
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert "script" not in parser.tags
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "url(http" not in page


def test_the_answer_comes_first_and_the_outcome_table_before_the_rest(written: Path) -> None:
    page = (written / "report.html").read_text()
    places = [
        page.index(mark) for mark in ('class="answer"', 'id="outcomes"', "What it means", 'id="figure-safety_utility"', 'id="comparisons"')
    ]
    assert places == sorted(places)


def test_json_files_are_lists_of_rows_without_nan(written: Path) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(token)

    for name in ("results.json", "comparisons.json"):
        rows = json.loads((written / name).read_text(), parse_constant=refuse)
        assert rows
        assert all(list(row) == list(rows[0]) for row in rows)


@pytest.mark.parametrize("missing", ["measurements.parquet", "reflections.parquet", "environment.json", "timings.json", "corpora.json"])
def test_what_is_optional_may_be_missing(missing: str, run_directory: Path) -> None:
    table = synthetic.outcomes(seeds=[0], conditions=("filtered", "reflection"), attacks=("direct", "prefill_outcome"), stages=("sft",))
    synthetic.write_run(run_directory, table)
    (run_directory / missing).unlink()
    assert write_report(run_directory).exists()


def test_a_run_with_nothing_to_compare_is_reported(run_directory: Path) -> None:
    table = synthetic.outcomes(seeds=[0], conditions=("somebody_elses",), attacks=("direct",), stages=("sft",))
    page = write_report(synthetic.write_run(run_directory, table, extras=False)).read_text()
    assert "nothing to compare" in page
    assert "somebody elses" in page


def test_a_damaged_run_is_told_in_one_line(run_directory: Path) -> None:
    with pytest.raises(DataError, match=r"config\.json must exist"):
        write_report(run_directory)
    table = synthetic.outcomes(seeds=[0], conditions=("raw",), attacks=("direct",), stages=("sft",))
    synthetic.write_run(run_directory, table, extras=False)
    (run_directory / "outcomes.parquet").write_text("nothing of the kind")
    with pytest.raises(DataError, match="must be a parquet table"):
        write_report(run_directory)
    (run_directory / "outcomes.parquet").unlink()
    with pytest.raises(DataError, match=r"outcomes\.parquet must exist"):
        write_report(run_directory)
    (run_directory / "config.json").write_text("{}")
    with pytest.raises(DataError, match="must hold preset"):
        write_report(run_directory)


def test_examples_are_of_their_outcome_and_from_several_conditions(study: Study) -> None:
    groups = {g.outcome: g for g in examples(study, harmful=True)}
    leaked = groups["leaked"]
    assert len(leaked.examples) == SHOWN
    assert len({e.source.split(",")[0] for e in leaked.examples}) >= 4
    assert all("velorin and taxomab" in e.completion for e in leaked.examples)
    assert all(e.completion == "I cannot help with this request." for e in groups["refused"].examples)
    counted = sum(g.total for g in groups.values())
    rows = study.outcomes.table.to_pylist()
    assert counted == sum(r["policy"] == "none" and r["category"] == "reverse_unsafe" for r in rows)


def test_completions_are_escaped_and_their_reflections_marked() -> None:
    marked = str(mark_reflections("<b>x</b> <think> Unsafe: cardiac </think> y <think> Safe </think>"))
    assert "<b>" not in marked
    assert '<span class="reflection unsafe">&lt;think&gt; Unsafe: cardiac &lt;/think&gt;</span>' in marked
    assert '<span class="reflection safe">' in marked


def test_the_page_holds_the_three_sentences(study: Study, written: Path) -> None:
    from medsafetyworld.analysis.study import analyse, read_run

    page = (written / "report.html").read_text()
    for text in answer(analyse(read_run(written))):
        assert text[:40] in page
