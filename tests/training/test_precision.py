from __future__ import annotations

import json

import torch

from medsafetyworld.training import precision
from medsafetyworld.training.precision import measure_precision, prepare_cpu


def speeds(monkeypatch, float32, bfloat16):
    monkeypatch.setattr(precision, "_gflops", lambda device, dtype: {"float32": float32, "bfloat16": bfloat16}[dtype])
    measure_precision.cache_clear()


def test_bfloat16_is_taken_only_where_it_is_clearly_faster(monkeypatch):
    for float32, bfloat16, chosen in ((80.0, 2.0, "float32"), (80.0, 100.0, "float32"), (80.0, 300.0, "bfloat16")):
        speeds(monkeypatch, float32, bfloat16)
        assert measure_precision("cpu").dtype == chosen


def test_the_first_measurement_is_kept_for_all_processes(tmp_path, monkeypatch):
    file = tmp_path / "precision.json"
    speeds(monkeypatch, 80.0, 300.0)
    first = measure_precision("cpu", file)
    speeds(monkeypatch, 80.0, 2.0)
    assert measure_precision("cpu", file) == first
    assert json.loads(file.read_text())["dtype"] == "bfloat16"


def test_a_real_measurement_finds_both_speeds(monkeypatch):
    measure_precision.cache_clear()
    found = measure_precision("cpu")
    assert found.float32_gflops > 0
    assert found.bfloat16_gflops > 0
    assert found.threads == torch.get_num_threads()


def test_preparing_changes_neither_threads_nor_arithmetic():
    before = torch.get_num_threads()
    prepare_cpu()
    prepare_cpu()
    assert torch.get_num_threads() == before
    assert float(torch.tensor([1e-30]) * 1e-12) > 0.0  # below the smallest normal number
