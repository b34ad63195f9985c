"""The run directory: what is written where, atomically."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medsafetyworld.errors import DataError
from medsafetyworld.presets import RunConfig, to_dict

FORMAT = 1


def write_json(path: Path, content: Any) -> None:
    """Write `content` as JSON in one atomic step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".partial")
    temporary.write_text(json.dumps(content, indent=1, default=list) + "\n")
    os.replace(temporary, path)


def write_table(path: Path, table: pa.Table) -> None:
    """Write `table` as parquet (zstd) in one atomic step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".partial")
    pq.write_table(table, temporary, compression="zstd")
    os.replace(temporary, path)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raises `DataError` when it is missing or damaged."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise DataError(f"{path} must exist: it is written by a run. Found nothing there.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} must be a JSON file. Got one that cannot be read: {error}.") from None


def open_run(out: Path) -> None:
    """Make `out` ready for a run; raises `DataError` when it holds something else."""
    if out.exists() and not out.is_dir():
        raise DataError(f"--out must be a directory. Got the file {str(out)!r}.")
    if out.is_dir() and any(out.iterdir()):
        config = out / "config.json"
        if not config.exists() or read_json(config).get("format") != FORMAT:
            raise DataError(f"--out must be new, empty, or a run directory of format {FORMAT}. Got {str(out)!r}, which holds other files.")
    out.mkdir(parents=True, exist_ok=True)


def describe_run(
    out: Path,
    *,
    experiment: str,
    preset: str,
    conditions: Sequence[str],
    seeds: Sequence[int],
    config: RunConfig,
    depths: Mapping[int, RunConfig] | None = None,
) -> None:
    """Write `config.json`: the whole resolved configuration (of each number of hops, where several), and what was asked for."""
    write_json(
        out / "config.json",
        {
            "format": FORMAT,
            "experiment": experiment,
            "preset": preset,
            "conditions": list(conditions),
            "seeds": list(seeds),
            "config": to_dict(config),
            **({} if depths is None else {"depths": {str(hops): to_dict(deeper) for hops, deeper in depths.items()}}),
        },
    )


def environment(**measured: Any) -> dict[str, Any]:
    """Return what a result depends on beside its configuration: versions, machine, commit, command."""
    return {
        "command": _command(),
        "python": sys.version.split()[0],
        "packages": {
            name: _version(name) for name in ("medsafetyworld", "torch", "transformers", "tokenizers", "numpy", "pyarrow", "scipy")
        },
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "commit": _commit(),
        **measured,
    }


def _command() -> str:
    """Return the command of this process as one would type it, without the folders of its programs."""
    words = sys.orig_argv[1:]
    if words and words[0].startswith("-"):
        return shlex.join(["python", *words])
    return shlex.join([Path(word).name if place == 0 else word for place, word in enumerate(words)])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _commit() -> str | None:
    """Return the commit of the source tree that the package runs from, with "+changes" if it was edited, or None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changed.strip() else "")
