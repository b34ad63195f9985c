"""A corpus directory as it is found: its shards, and what a manifest says of them if there is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import file_digest
from pathlib import Path
from typing import Any

from medsafetyworld.corpus.config import CorpusConfig, FilterConfig, ReflectionConfig
from medsafetyworld.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class CorpusDirectory:
    """Shards of a corpus, whoever wrote them."""

    path: Path
    shards: tuple[Path, ...]
    manifest: Mapping[str, Any] | None
    """Of `manifest.json`; None where there is none."""

    @property
    def condition(self) -> str | None:
        """Name of the condition that the manifest names."""
        return None if self.manifest is None else self.manifest.get("condition")

    def config(self) -> CorpusConfig | None:
        """Return the configuration in the manifest, None where there is none that this package can read."""
        if self.manifest is None or not isinstance(self.manifest.get("config"), dict):
            return None
        values = dict(self.manifest["config"])
        try:
            for name, kind in (("filter", FilterConfig), ("reflection", ReflectionConfig)):
                if name in values:
                    values[name] = kind(**values[name])
            known = {column.name for column in fields(CorpusConfig)}
            return CorpusConfig(**values) if values.keys() <= known else None
        except (TypeError, ConfigError):
            return None

    def changed(self) -> tuple[str, ...]:
        """Return the shards whose bytes are not those of the manifest."""
        found = []
        for record in (self.manifest or {}).get("shards", ()):
            with open(self.path / record["file"], "rb") as file:
                if record.get("sha256") not in (None, file_digest(file, "sha256").hexdigest()):
                    found.append(record["file"])
        return tuple(found)


def open_directory(path: Path) -> CorpusDirectory:
    """Find the shards of a corpus: those that its manifest names, else `data/*.parquet`, else `*.parquet`.

    Raises:
        DataError: there is no shard, the manifest cannot be read, or a shard that it names is missing.
    """
    if not path.is_dir():
        raise DataError(f"corpus directory must be a directory. Got {str(path)!r}.")
    manifest = _manifest(path / "manifest.json")
    found = sorted((path / "data").glob("*.parquet")) or sorted(path.glob("*.parquet"))
    if manifest is not None:
        named = [record["file"] for record in manifest["shards"]]
        for name in named:
            if not (path / name).is_file():
                raise DataError(f"corpus directory must hold every shard of its manifest. Got {str(path)!r} without {name!r}.")
        extra = sorted({str(file.relative_to(path)) for file in found} - set(named))
        if extra:
            raise DataError(f"corpus directory must hold no shard that its manifest does not name. Got {str(path)!r} with {extra[0]!r}.")
        found = [path / name for name in named]
    if not found and manifest is None:
        raise DataError(f"corpus directory must hold parquet shards. Got {str(path)!r}, which holds none.")
    return CorpusDirectory(path, tuple(found), manifest)


def _manifest(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        shards = manifest["shards"]
        if all(isinstance(record["file"], str) for record in shards):
            return dict(manifest)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DataError(f"manifest.json must be a JSON object with shards, each with its file. Got {str(path)!r}, which is not.")
