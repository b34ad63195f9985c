"""Directories that commands write: never over something else."""

from __future__ import annotations

from pathlib import Path

from medsafetyworld.errors import DataError


def is_vacant(out: Path) -> bool:
    """Whether `out` can be written: it does not exist, or is an empty directory. Raises `DataError` for a file."""
    if out.exists() and not out.is_dir():
        raise DataError(f"--out must be a directory. Got the file {str(out)!r}.")
    return not out.exists() or not any(out.iterdir())


def occupied(out: Path, allowed: str = "") -> DataError:
    """Return the error that `out` holds something else than what is `allowed` there beside nothing."""
    return DataError(f"--out must be a new or an empty directory{allowed}. Got {str(out)!r}, which holds something else.")
