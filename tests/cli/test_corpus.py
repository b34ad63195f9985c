"""`medsafetyworld corpus` writes the corpus of a saved world, whatever the number of workers, and over nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
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
    assert line == f"error: corpus directory must be new, empty or hold a corpus only. Got {str(tmp_path)!r} with 'notes.txt'."
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_finished_corpus_is_verified_and_a_lost_shard_named(
    world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write(world_directory, tmp_path / "c", "--shard-documents", "200")
    capsys.readouterr()
    assert write(world_directory, tmp_path / "c", "--shard-documents", "200") == before
    assert "3 shards (3 of them written before, verified)" in capsys.readouterr().out
    (tmp_path / "c" / "data" / "corpus-00001.parquet").write_bytes(b"PAR1")
    assert write(world_directory, tmp_path / "c", "--shard-documents", "200") == before
    assert "data/corpus-00001.parquet was damaged; written again" in capsys.readouterr().err


def test_another_configuration_is_refused_in_one_line(world_directory: Path, tmp_path: Path, error_line: Callable[..., str]) -> None:
    before = write(world_directory, tmp_path / "c")
    start = ["corpus", "--world", world_directory, "--preset", "smoke", "--out", tmp_path / "c"]
    assert "condition must be 'raw'. Got 'filtered'" in error_line(*start, "--condition", "raw")
    changed = error_line(*start, "--condition", "filtered", "--corpus.documents", 90)
    assert "config.documents must be 90. Got 600" in changed
    assert {str(path.relative_to(tmp_path / "c")): path.read_bytes() for path in (tmp_path / "c").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGKILL, 1), (signal.SIGINT, 2)], ids=["kill -9", "Ctrl-C"])
def test_an_interrupted_command_continues(world_directory: Path, tmp_path: Path, number: signal.Signals, workers: int) -> None:
    flags = ["--corpus.documents", "30000", "--shard-documents", "50"]
    command = [
        "corpus",
        "--world",
        str(world_directory),
        "--preset",
        "smoke",
        "--condition",
        "filtered",
        "--out",
        str(tmp_path / "c"),
        *flags,
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "medsafetyworld", *command, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs inherit that it is ignored
    )
    while len(list((tmp_path / "c" / ".export").glob("[0-9].json"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, number)
    _, error = process.communicate()
    assert not (tmp_path / "c" / "manifest.json").exists()
    if number == signal.SIGINT:
        assert (process.returncode, error) == (130, "interrupted\n")
    continued = write(world_directory, tmp_path / "c", *flags)
    assert continued == write(world_directory, tmp_path / "undisturbed", *flags)


def test_mistakes_are_one_line_and_leave_nothing(world_directory: Path, tmp_path: Path, error_line: Callable[..., str]) -> None:
    start = ["corpus", "--world", world_directory, "--out", tmp_path / "c"]
    assert "Did you mean 'rewritten'?" in error_line(*start, "--condition", "rewriten")
    assert "--workers must be an int of at least 1. Got 0." in error_line(*start, "--condition", "raw", "--workers", 0)
    assert "CorpusConfig.documents must be" in error_line(*start, "--condition", "raw", "--corpus.documents", 0)
    assert list(tmp_path.iterdir()) == []
