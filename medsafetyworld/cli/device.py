"""Where a command trains and decodes."""

from __future__ import annotations

from typing import Literal

from medsafetyworld.errors import ConfigError

Device = Literal["cpu", "cuda", "mps"]


def require_device(device: str) -> None:
    """Raise `ConfigError` unless torch is installed and can use `device` here."""
    try:
        import torch
    except ImportError:
        raise ConfigError("torch must be installed to train or evaluate: pip install 'medsafetyworld[train]'. Got no torch.") from None
    available = ["cpu", *(["cuda"] if torch.cuda.is_available() else []), *(["mps"] if torch.backends.mps.is_available() else [])]
    if device not in available:
        raise ConfigError(f"--device must be one that torch can use here: {', '.join(available)}. Got {device!r}.")
