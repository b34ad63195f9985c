from __future__ import annotations

import numpy as np
import pytest
import torch

from medsafetyworld.training import precision
from medsafetyworld.training.config import ModelConfig
from medsafetyworld.training.model import build_model
from medsafetyworld.training.packing import Rows
from medsafetyworld.training.precision import Precision, agree_on_precision, load_precision, measure_precision, prepare_cpu

ROWS = Rows(*(np.tile(np.arange(2, 18, dtype=np.int32), (4, 1)) for _ in range(3)))


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(precision, "_measured", {})
    return build_model(ModelConfig(layers=1, width=16, heads=2, feed_forward=24), 30, 0, end_of_text_id=0, padding_id=1)


@pytest.mark.parametrize(("float32", "bfloat16", "chosen"), [(80.0, 2.0, "float32"), (80.0, 100.0, "float32"), (80.0, 300.0, "bfloat16")])
def test_bfloat16_is_taken_only_where_it_is_clearly_faster(model, monkeypatch, float32, bfloat16, chosen):
    speeds = {"float32": float32, "bfloat16": bfloat16}
    monkeypatch.setattr(precision, "_speed", lambda model, rows, dtype: speeds[dtype])
    found = measure_precision(model, ROWS)
    assert found == Precision("cpu", chosen, torch.get_num_threads(), float32, bfloat16)
    speeds.update(float32=1.0, bfloat16=1.0)
    assert measure_precision(model, ROWS) is found


def test_the_first_measurement_is_kept_for_all_processes(tmp_path):
    file = tmp_path / "number-format.json"
    assert load_precision(file) is None
    found = Precision("cpu", "bfloat16", 1, 80.0, 300.0)
    assert agree_on_precision(found, file) == found
    assert agree_on_precision(Precision("cpu", "float32", 1, 80.0, 90.0), file) == found
    assert load_precision(file) == found
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


def test_measuring_finds_both_speeds_and_leaves_the_model_as_it_was(model):
    before = [parameter.detach().clone() for parameter in model.parameters()]
    found = measure_precision(model, ROWS)
    assert found.float32_tokens_per_second > 0
    assert found.bfloat16_tokens_per_second > 0
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
        assert parameter.grad is None


def test_preparing_changes_neither_threads_nor_arithmetic():
    before = torch.get_num_threads()
    prepare_cpu()
    prepare_cpu()
    assert torch.get_num_threads() == before
    assert float(torch.tensor([1e-30]) * 1e-12) > 0.0  # below the smallest normal number
