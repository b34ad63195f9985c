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
from typing import Literal

BFLOAT16_GAIN = 1.5
"""bf16 is taken when its matrix products are at least so many times as fast."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h


@dataclass(frozen=True, slots=True)
class Precision:
    """Number format of matrix products, and the speeds from which it was chosen."""

    device: str
    dtype: Literal["float32", "bfloat16"]
    threads: int
    float32_gflops: float
    bfloat16_gflops: float


@cache
def measure_precision(device: str = "cpu", file: Path | None = None) -> Precision:
    """Measure float32 and bf16 matrix products on `device` and choose between them, once a process.

    Args:
        device: torch device.
        file: JSON file in which the measurement is kept; an existing one is read instead, so that all processes of a run agree.
    """
    import torch

    if file is not None and file.exists():
        return Precision(**json.loads(file.read_text()))
    fast, slow = _gflops(device, "bfloat16"), _gflops(device, "float32")
    chosen: Literal["float32", "bfloat16"] = "bfloat16" if fast >= BFLOAT16_GAIN * slow else "float32"
    precision = Precision(device, chosen, torch.get_num_threads(), round(slow, 1), round(fast, 1))
    if file is not None:
        partial = file.with_name(f"{file.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(asdict(precision), indent=1) + "\n")
        os.replace(partial, file)
    return precision


def _gflops(device: str, dtype: str, seconds: float = 0.1) -> float:
    """Return the speed of square matrix products, in 10^9 operations a second, over about `seconds` after a first one."""
    import torch

    size = 256 if device == "cpu" else 4096
    matrix = torch.ones(size, size, dtype=getattr(torch, dtype), device=device)
    checksum = (matrix @ matrix).sum().item()
    done, start = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - start < seconds:
        checksum = (matrix @ matrix)[0, 0].item()  # reading a value waits for the device
        done += 1
    assert checksum > 0
    return done * 2 * size**3 / (time.perf_counter() - start) / 1e9


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
