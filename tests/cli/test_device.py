"""A device that is not here, or a missing torch, is one line that says what to do."""

from __future__ import annotations

import sys

import pytest

from medsafetyworld.cli.device import require_device
from medsafetyworld.errors import ConfigError


def test_the_cpu_is_always_there() -> None:
    require_device("cpu")


def test_a_device_that_torch_cannot_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"^--device must be one that torch can use here: cpu.* Got 'cuda'\.$"):
        require_device("cuda")


def test_a_missing_torch_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"pip install 'medsafetyworld\[train\]'"):
        require_device("cpu")
