"""`medsafetyworld corpus` writes the corpus of a saved world, whatever the number of workers, and over nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from medsafetyworld import PRESETS, Corpus, World
from medsafetyworld.cli import main


def write(world: Path, out: Path, *flags: str) -> dict[str, bytes]:
    """Write a corpus and return its files."""
    assert main(["corpus", "--world", str(world), "--preset", "smoke", "--condition", "filtered", "--out", str(out), *flags]) == 0
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_writes_the_corpus_of_the_world(world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(world_directory, tmp_path / "c", "--corpus.documents", "90")
    world = World.load(world_directory)
    corpus = Corpus(world, "filtered", PRESETS["smoke"].corpus)
    table = pq.read_table(tmp_path / "c" / "data")
    assert {row["doc_id"]: row["text"] for row in table.to_pylist()} == {d.index: d.text for d in corpus[:90] if d.text}
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text())
    assert (manifest["world_hash"], manifest["condition"]) == (world.content_hash, "filtered")
    assert f"{table.num_rows} documents ({90 - table.num_rows} emptied ones left out)" in capsys.readouterr().out


def test_the_bytes_do_not_depend_on_the_workers(world_directory: Path, tmp_path: Path) -> None:
    assert write(world_directory, tmp_path / "one") == write(world_directory, tmp_path / "two", "--workers", "2")


def test_nothing_is_overwritten(world_directory: Path, tmp_path: Path, error_line: Callable[..., str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    line = error_line("corpus", "--world", world_directory, "--condition", "raw", "--out", tmp_path)
    assert line == f"error: --out must be a new or an empty directory. Got {str(tmp_path)!r}, which holds something else."
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_mistakes_are_one_line_and_leave_nothing(world_directory: Path, tmp_path: Path, error_line: Callable[..., str]) -> None:
    start = ["corpus", "--world", world_directory, "--out", tmp_path / "c"]
    assert "Did you mean 'rewritten'?" in error_line(*start, "--condition", "rewriten")
    assert "--workers must be an int of at least 1. Got 0." in error_line(*start, "--condition", "raw", "--workers", 0)
    assert "CorpusConfig.documents must be" in error_line(*start, "--condition", "raw", "--corpus.documents", 0)
    assert list(tmp_path.iterdir()) == []
