"""Simulated runs, analysed once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsafetyworld.analysis.study import Study, analyse, read_run
from tests.analysis import synthetic


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Six seeds of the main conditions, with certificates and solvers; reflection is below the utility floor in seed 2."""
    table = synthetic.outcomes(accuracy={("reflection", 2): 0.1}, stages=("sft", "benign_raw@60"))
    table = synthetic.with_solvers(synthetic.with_certificates(table))
    return analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("run"), table)))


@pytest.fixture(scope="session")
def one_seed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One seed of two conditions, and nothing that is optional."""
    table = synthetic.outcomes(seeds=[3], conditions=("filtered", "reflection"), stages=("sft",))
    return analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("one"), table, extras=False)))


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    """Where a test may write a run."""
    return tmp_path / "run"
