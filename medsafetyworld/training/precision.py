"""How to compute on this machine: the number format, which is measured, never assumed, and the handling of memory."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

    from medsafetyworld.training.packing import Rows

BFLOAT16_GAIN = 1.5
"""bf16 is taken when steps in it are at least so many times as fast."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h


@dataclass(frozen=True, slots=True)
class Precision:
    """Number format of a stage, and the speeds from which it was chosen."""

    device: str
    dtype: Literal["float32", "bfloat16"]
    threads: int
    float32_tokens_per_second: float
    """Of forward and backward passes, without the optimizer."""
    bfloat16_tokens_per_second: float


_measured: dict[tuple[Any, ...], Precision] = {}


def measure_precision(model: LlamaForCausalLM, rows: Rows) -> Precision:
    """Time passes of `rows` forward and backward through `model` in float32 and in bf16, and choose between the two.

    The passes are those of training, since the speed of large products says little of small models: at `tiny`, a processor whose bf16
    products are twice as fast takes 10 % longer for a step in bf16. Weights stay as they are, and gradients are cleared. A process
    measures once for each device and shape.
    """
    import torch

    device, shape = next(model.parameters()).device.type, model.config
    key = (device, rows.input_ids.shape, shape.hidden_size, shape.intermediate_size, shape.num_hidden_layers, shape.vocab_size)
    if key not in _measured:
        fast, slow = _speed(model, rows, "bfloat16"), _speed(model, rows, "float32")
        chosen: Literal["float32", "bfloat16"] = "bfloat16" if fast >= BFLOAT16_GAIN * slow else "float32"
        _measured[key] = Precision(device, chosen, torch.get_num_threads(), round(slow, 1), round(fast, 1))
    return _measured[key]


def load_precision(file: Path) -> Precision | None:
    """Return the precision that is kept in a file, None where there is none."""
    return Precision(**json.loads(file.read_text())) if file.exists() else None


def agree_on_precision(precision: Precision, file: Path) -> Precision:
    """Keep a precision in a file unless another process was first, and return the one that is kept: all processes of a run agree."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(asdict(precision), indent=1) + "\n")
    try:
        os.link(partial, file)
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    kept = load_precision(file)
    assert kept is not None
    return kept


def _speed(model: LlamaForCausalLM, rows: Rows, dtype: str, seconds: float = 0.2) -> float:
    """Return tokens a second over about `seconds`, after a first pass."""
    import torch

    from medsafetyworld.training.loss import next_token_loss, to_batch

    device = next(model.parameters()).device
    batch = to_batch(rows, device)

    def once() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = next_token_loss(model, batch)
        loss.backward()
        model.zero_grad(set_to_none=True)
        loss.item()  # reading a value waits for the device

    once()
    done, start = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - start < seconds:
        once()
        done += 1
    return done * rows.tokens / (time.perf_counter() - start)


@cache
def prepare_cpu() -> None:
    """Make this process keep freed memory for reuse.

    A training step allocates and frees the same few megabytes over and over. By default glibc hands large blocks back to the
    kernel each time, and mapping them anew costs up to a third of a step, most of all on virtual machines.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent from other C libraries than glibc
        if mallopt is not None:
            mallopt(_MMAP_THRESHOLD, 1 << 30)
            mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
