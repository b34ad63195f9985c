"""A small world on disk, and the commands run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medsafetyworld.cli import main


@pytest.fixture(scope="session")
def world_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a saved smoke world."""
    out = tmp_path_factory.mktemp("cli") / "world"
    assert main(["world", "--preset", "smoke", "--out", str(out)]) == 0
    return out


@pytest.fixture
def error_line(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a command that must fail, and returns its one line on stderr."""

    def run(*argv: object) -> str:
        capsys.readouterr()
        assert main([str(token) for token in argv]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err.strip()

    return run
