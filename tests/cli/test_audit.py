"""`medsafetyworld audit` passes a clean corpus, says what is wrong with another, and refuses what is no corpus."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from medsafetyworld.cli import main
from medsafetyworld.cli.audit import findings_table
from medsafetyworld.corpus.audit.finding import Finding
from medsafetyworld.corpus.export import SCHEMA

AUDITS = [
    *("names", "queries", "words", "characters", "templates", "lengths", "positions", "counts", "neighbours"),
    *("template_balance", "template_use", "heldout_harm", "joined_chains", "heldout_queries", "statements"),
    *("equal_documents", "near_duplicates", "real_names", "real_words"),
]


@pytest.fixture
def corpus_directory(world_directory: Path, tmp_path: Path) -> Path:
    """Return a filtered corpus of the smoke world."""
    out = tmp_path / "corpus"
    assert main(["corpus", "--world", str(world_directory), "--preset", "smoke", "--condition", "filtered", "--out", str(out)]) == 0
    return out


def shard(corpus: Path) -> Path:
    """Return the one shard of a corpus."""
    [file] = (corpus / "data").iterdir()
    return file


def test_a_clean_corpus_passes_and_the_findings_are_saved(
    world_directory: Path, corpus_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    flags = ["--corpus", str(corpus_directory), "--world", str(world_directory)]
    assert main(["audit", *flags, "--out", str(tmp_path / "audit")]) == 0
    assert f"All {len(AUDITS)} audits passed." in capsys.readouterr().out
    saved = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert saved["passed"] is True
    assert saved["corpus_manifest"]["condition"] == "filtered"
    assert [finding["name"] for finding in saved["findings"]] == AUDITS
    assert set(saved["findings"][0]) == {"name", "what", "statistic", "interval", "bound", "n", "passed", "detail"}
    assert [path.name for path in (tmp_path / "audit").iterdir()] == ["audit.json"]


def test_a_flawed_corpus_is_told_with_exit_code_1(
    world_directory: Path, corpus_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pq.read_table(shard(corpus_directory)).to_pylist()
    rows[0]["text"] += " Ask for ibuprofen."
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), shard(corpus_directory))
    capsys.readouterr()
    assert main(["audit", "--corpus", str(corpus_directory), "--world", str(world_directory)]) == 1
    assert f"1 of {len(AUDITS)} audits broken: real_words" in capsys.readouterr().out


def test_mistakes_are_one_line_and_leave_nothing(
    world_directory: Path, corpus_directory: Path, tmp_path: Path, error_line: Callable[..., str]
) -> None:
    start = ["audit", "--world", world_directory, "--out", tmp_path / "audit", "--corpus"]
    assert "--corpus must be a corpus directory with a manifest.json." in error_line(*start, tmp_path / "nothing")
    assert "--sample must be an int of at least 1. Got 0." in error_line(*start, corpus_directory, "--sample", 0)
    (tmp_path / "other").mkdir()
    main(["world", "--preset", "smoke", "--world.seed", "5", "--out", str(tmp_path / "other")])
    assert "must be a corpus of --world" in error_line("audit", "--corpus", corpus_directory, "--world", tmp_path / "other")
    assert "which holds something else" in error_line("audit", "--corpus", corpus_directory, "--world", world_directory, "--out", tmp_path)
    shard(corpus_directory).write_bytes(b"no parquet")
    assert "corpus shard must be a readable parquet file" in error_line(*start, corpus_directory)
    shard(corpus_directory).unlink()
    assert "the manifest names it" in error_line(*start, corpus_directory)
    assert not (tmp_path / "audit").exists()


def test_rows_that_do_not_keep_the_format_are_refused(
    world_directory: Path, corpus_directory: Path, error_line: Callable[..., str]
) -> None:
    start = ["audit", "--world", world_directory, "--corpus", corpus_directory]
    table = pq.read_table(shard(corpus_directory))
    pq.write_table(table.drop_columns(["template"]), shard(corpus_directory))
    assert "without 'template'" in error_line(*start)
    rows = table.to_pylist()
    rows[2]["relation"] = [*rows[2]["relation"], "chain"]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), shard(corpus_directory))
    assert "one item a statement in every list" in error_line(*start)
    (corpus_directory / "manifest.json").write_text("[]")
    assert "manifest.json must hold world_hash, condition and shards." in error_line(*start)


def test_table_keeps_every_figure_in_a_narrow_terminal() -> None:
    finding = Finding("template_balance", "a question of several words", 0.6543, (0.12, 0.98), 0.6, 12_345, True, "what [was] looked at")
    console = Console(width=80)
    with console.capture() as capture:
        console.print(findings_table([finding]))
    printed = capture.get()
    for shown in ("template_balance", "0.6543", "0.12 to 0.98", "0.6 ", "12,345", "passed", "[was]"):
        assert shown in printed
