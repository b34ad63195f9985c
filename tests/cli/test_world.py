"""`medsafetyworld world` saves the world that its flags describe, and writes over nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from medsafetyworld import PRESETS, World
from medsafetyworld.cli import main
from medsafetyworld.presets import with_seed


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_saves_the_presets_world(world_directory: Path) -> None:
    assert World.load(world_directory).config == PRESETS["smoke"].world


def test_seed_and_overrides_reach_the_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--seed", "3", "--world.task", "single_hop", "--world.unsafe-fraction", "0.25"]
    assert main(["world", "--preset", "smoke", "--out", str(tmp_path / "w"), *flags]) == 0
    expected = replace(with_seed(PRESETS["smoke"], 3).world, task="single_hop", unsafe_fraction=0.25)
    assert World.load(tmp_path / "w").config == expected
    text = capsys.readouterr().out
    assert "single_hop, seed 3" in text
    assert "reverse_unsafe" in text


def test_the_same_world_twice_is_left_as_it_is(world_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(world_directory)
    assert main(["world", "--preset", "smoke", "--out", str(world_directory)]) == 0
    assert "was already in" in capsys.readouterr().out
    assert files_of(world_directory) == before


def test_another_world_is_not_overwritten(world_directory: Path, error_line: Callable[..., str]) -> None:
    before = files_of(world_directory)
    assert "which holds something else" in error_line("world", "--preset", "smoke", "--seed", 1, "--out", world_directory)
    assert files_of(world_directory) == before


def test_a_foreign_directory_and_a_file_are_refused(tmp_path: Path, error_line: Callable[..., str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert "which holds something else" in error_line("world", "--preset", "smoke", "--out", tmp_path)
    assert "must be a directory. Got the file" in error_line("world", "--preset", "smoke", "--out", tmp_path / "notes.txt")
    assert files_of(tmp_path) == {"notes.txt": b"mine"}


def test_an_impossible_world_is_one_line_and_leaves_nothing(tmp_path: Path, error_line: Callable[..., str]) -> None:
    line = error_line("world", "--preset", "smoke", "--world.mediators", 1_000, "--out", tmp_path / "w")
    assert "Got" in line
    assert list(tmp_path.iterdir()) == []
