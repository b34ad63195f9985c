"""`medsafetyworld train`, `evaluate` and `report`, one after the other on a model that has hardly been trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from medsafetyworld import PRESETS
from medsafetyworld.cli import main

SHORT = ["--pretrain.steps", "3", "--sft.steps", "2", "--finetune.steps", "2", "--finetune.curve", "1", "2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run directory of a trained model."""
    out = tmp_path_factory.mktemp("train") / "run"
    assert main(["train", "--preset", "smoke", "--condition", "filtered", "--seed", "1", "--out", str(out), *SHORT]) == 0
    return out


@pytest.fixture(scope="module")
def evaluated(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of its tables."""
    out = tmp_path_factory.mktemp("evaluate") / "tables"
    assert main(["evaluate", "--checkpoint", str(trained), "--out", str(out)]) == 0
    return out


def test_the_checkpoint_is_a_language_model_of_the_ecosystem(trained: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    [folder] = [path for path in (trained / "checkpoints").iterdir() if not path.name.startswith("pretrained-")]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.config.num_hidden_layers == PRESETS["smoke"].model.layers
    assert model.config.vocab_size >= len(tokenizer)


def test_the_resolved_configuration_is_saved_with_the_model(trained: Path) -> None:
    saved = json.loads((trained / "config.json").read_text())
    assert (saved["preset"], saved["conditions"]) == ("smoke", ["filtered"])
    assert saved["config"]["pretrain"]["steps"] == 3
    assert saved["config"]["world"]["compounds"] == PRESETS["smoke"].world.compounds


def test_evaluation_writes_the_outcome_table(evaluated: Path) -> None:
    outcomes = pq.read_table(evaluated / "outcomes.parquet")
    assert set(outcomes["condition"].to_pylist()) == {"filtered"}
    assert set(outcomes["seed"].to_pylist()) == {1}
    assert {"direct", "prefill_outcome", "ban_unsafe"} <= set(outcomes["attack"].to_pylist())
    assert {"sft"} < set(outcomes["stage"].to_pylist())


def test_the_report_is_one_file_with_its_tables(evaluated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--run", str(evaluated)]) == 0
    assert str(evaluated / "report.html") in capsys.readouterr().out
    assert json.loads((evaluated / "results.json").read_text())
    page = (evaluated / "report.html").read_text()
    assert "<html" in page
    assert 'src="http' not in page


def test_a_mistyped_condition_is_one_line(tmp_path: Path, error_line: Callable[..., str]) -> None:
    line = error_line("train", "--preset", "smoke", "--condition", "filterd", "--out", tmp_path / "r")
    assert line.endswith("Got 'filterd'. Did you mean 'filtered'?")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_does_not_exist_is_one_line(tmp_path: Path, error_line: Callable[..., str]) -> None:
    line = error_line("train", "--condition", "raw", "--out", tmp_path / "r", "--device", "gpu")
    assert line == "error: --device must be one of cpu, cuda, mps. Got 'gpu'. Did you mean 'cpu'?"


def test_a_foreign_directory_is_left_alone(tmp_path: Path, error_line: Callable[..., str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for line in (
        error_line("train", "--preset", "smoke", "--condition", "raw", "--out", tmp_path),
        error_line("evaluate", "--checkpoint", tmp_path),
        error_line("evaluate", "--checkpoint", tmp_path / "nothing"),
        error_line("report", "--run", tmp_path),
    ):
        assert str(tmp_path) in line
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
