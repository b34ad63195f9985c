"""Directories that commands write: never over something else, and never half."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medsafetyworld.errors import DataError


def is_vacant(out: Path) -> bool:
    """Whether `out` can be written: it does not exist, or is an empty directory. Raises `DataError` for a file."""
    if out.exists() and not out.is_dir():
        raise DataError(f"--out must be a directory. Got the file {str(out)!r}.")
    return not out.exists() or not any(out.iterdir())


def refuse(out: Path, allowed: str) -> DataError:
    """Return the error that `out` holds something else than what is `allowed` there."""
    return DataError(f"--out must be new, empty, or {allowed}. Got {str(out)!r}, which holds something else.")


@contextmanager
def whole_directory(out: Path) -> Iterator[Path]:
    """Yield a path to write a directory at; it becomes `out` when the block ends, and is gone without a trace when it fails."""
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield staging / out.name
        (staging / out.name).rename(out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
