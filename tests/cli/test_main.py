"""The command `medsafetyworld`: help, version, exit codes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medsafetyworld import __version__
from medsafetyworld.cli import COMMANDS, main
from medsafetyworld.cli.guard import main_guard
from medsafetyworld.errors import DataError


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: medsafetyworld {name}" in text
    assert f"    medsafetyworld {name} --" in text


def test_no_command_is_one_line(error_line: Callable[..., str]) -> None:
    assert error_line() == (
        "error: A command must be given: one of world, corpus, card, audit, certify, show, train, evaluate, report. "
        "Got none; --help explains them."
    )


def test_a_typo_in_the_command_is_one_line(error_line: Callable[..., str]) -> None:
    line = error_line("wrold", "--preset", "tiny")
    assert line.startswith("error: The command must be one of world,")
    assert line.endswith("Got 'wrold'. Did you mean 'world'?")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_typo_in_a_flag_is_one_line(name: str, error_line: Callable[..., str]) -> None:
    assert "Expected a known flag. Got '--ouut'." in error_line(name, "--ouut", "x")


@pytest.mark.parametrize("argv", [["corpus", "--condition", "raw", "--out", "o"], ["show"]])
def test_a_missing_world_is_one_line(argv: list[str], tmp_path: Path, error_line: Callable[..., str]) -> None:
    assert str(tmp_path / "nowhere") in error_line(*argv, "--world", tmp_path / "nowhere")


def test_errors_of_many_lines_are_printed_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> int:
        raise DataError("first\n  second")

    assert main_guard(run) == 2
    assert capsys.readouterr().err == "error: first second\n"


def test_an_interruption_is_one_line_and_130(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> int:
        raise KeyboardInterrupt

    assert main_guard(run) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_file_that_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> int:
        return len((tmp_path / "none").read_text())

    assert main_guard(run) == 2
    assert capsys.readouterr().err == f"error: {str(tmp_path / 'none')!r} cannot be used: No such file or directory.\n"


def test_a_bug_is_not_hidden() -> None:
    def run() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main_guard(run)


def test_a_reader_that_stops_reading_is_no_error() -> None:
    code = "from medsafetyworld.cli.guard import main_guard\nimport sys\nsys.exit(main_guard(lambda: print('line\\n' * 100_000) or 0))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
    process.stderr.close()


def test_python_m_medsafetyworld_is_the_command() -> None:
    result = subprocess.run([sys.executable, "-m", "medsafetyworld", "frobnicate"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
