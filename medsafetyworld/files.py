"""Files and directories that are written whole or not at all, and never over something else."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from medsafetyworld.errors import DataError


def foreign_entry(directory: Path, own: Collection[str], kind: str) -> str | None:
    """Return the first name in `directory` that is not one of `own`, None where there is none or no directory.

    Raises:
        DataError: `directory` is a file; `kind` says what it should have been a directory of.
    """
    if not directory.exists():
        return None
    if not directory.is_dir():
        raise DataError(f"{kind} directory must be a directory. Got the file {str(directory)!r}.")
    return min((entry.name for entry in directory.iterdir() if entry.name not in own), default=None)


@contextmanager
def whole_directory(directory: Path, own: Collection[str], kind: str) -> Iterator[Path]:
    """Yield an empty temporary directory beside `directory` that takes its place at the end, or vanishes where an error is raised.

    Raises:
        DataError: `directory` is a file, or holds something that is not one of `own`.
    """
    directory = directory.absolute()
    foreign = foreign_entry(directory, own, kind)
    if foreign is not None:
        raise DataError(f"{kind} directory must be new, empty or hold a {kind} only. Got {str(directory)!r} with {foreign!r}.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        if directory.exists():
            shutil.rmtree(directory)
        os.rename(temporary, directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextmanager
def whole_file(path: Path, scratch: Path) -> Iterator[Path]:
    """Yield the path of a new file in the directory `scratch` (same file system) that replaces `path` at the end, or vanishes."""
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=scratch)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, scratch: Path) -> None:
    """Write a text file whole or not at all, by way of a temporary file in `scratch`."""
    with whole_file(path, scratch) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
