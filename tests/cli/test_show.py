"""`medsafetyworld show` prints what a world and its corpora hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medsafetyworld import PRESETS, Corpus, World
from medsafetyworld.cli import main
from medsafetyworld.cli.show import examples


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")


def test_shows_counts_queries_and_the_same_documents_side_by_side(world_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["show", "--world", str(world_directory), "--preset", "smoke", "--documents", "2"]) == 0
    text = capsys.readouterr().out
    world, config = World.load(world_directory), PRESETS["smoke"].corpus
    for category in ("forward_safe", "forward_unsafe", "reverse_safe", "reverse_unsafe"):
        assert category in text
    assert "Question: " in text
    assert text.count("Document ") == 2
    [index, _] = examples(Corpus(world, "raw", config), 0, 2)
    assert Corpus(world, "raw", config)[index].harmful
    assert Corpus(world, "raw", config)[index].text in text
    assert Corpus(world, "reflection", config)[index].text in text


def test_examples_state_harm_or_are_the_first_ones(world_directory: Path) -> None:
    world, config = World.load(world_directory), PRESETS["smoke"].corpus
    raw, filtered = Corpus(world, "raw", config), Corpus(world, "filtered", config)
    chosen = examples(raw, 50, 3)
    assert chosen == [index for index in range(50, len(raw)) if raw[index].harmful][:3]
    assert examples(filtered, 50, 3) == [50, 51, 52]


def test_a_condition_that_does_not_exist_is_one_line(world_directory: Path, error_line: Callable[..., str]) -> None:
    line = error_line("show", "--world", world_directory, "--conditions", "raw", "filterd")
    assert line.startswith("error: condition must be one of raw, filtered,")
    assert line.endswith("Got 'filterd'. Did you mean 'filtered'?")


@pytest.mark.parametrize(("flag", "value"), [("--documents", -1), ("--first", -1), ("--first", 600)])
def test_numbers_out_of_range_are_one_line(flag: str, value: int, world_directory: Path, error_line: Callable[..., str]) -> None:
    line = error_line("show", "--world", world_directory, "--preset", "smoke", flag, value)
    assert line.startswith(f"error: {flag} must be an int")
    assert line.endswith(f"Got {value}.")
