"""Where an audit reads from: a corpus directory by its file format, or a `Corpus`; either way in batches of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from medsafetyworld.corpus.export import SCHEMA, document_table
from medsafetyworld.corpus.sequence import CHUNK, Corpus
from medsafetyworld.errors import DataError
from medsafetyworld.world.world import World

COLUMNS = ("doc_id", "text", "relation", "direction", "template", "statement")
"""The columns that audits read; what the text says is taken from the text."""


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus to be audited."""

    condition: str
    rows: int
    """Documents, at most: a `Corpus` counts those too that its condition emptied."""
    origin: Corpus | tuple[Path, ...]

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the documents that are not empty as rows of `COLUMNS`, in the order in which they are written."""
        if isinstance(self.origin, Corpus):
            for start in range(0, len(self.origin), CHUNK):
                written = [document for document in self.origin[start : start + CHUNK] if document.text]
                yield document_table(written).select(COLUMNS).to_pylist()
            return
        for file in self.origin:
            try:
                for batch in pq.ParquetFile(file).iter_batches(CHUNK, columns=list(COLUMNS)):
                    table = pa.Table.from_batches([batch]).select(COLUMNS).cast(pa.schema([SCHEMA.field(name) for name in COLUMNS]))
                    _check_whole(table, file)
                    yield table.to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"corpus shard must be a readable parquet file of documents. Got {str(file)!r}: {error}") from None


def open_source(world: World, corpus: Corpus | str | Path) -> Source:
    """Return the source of a corpus, checked against the world.

    Raises:
        DataError: a directory that is no corpus, or a corpus of another world.
    """
    if isinstance(corpus, Corpus):
        _same_world(world, corpus.world.content_hash)
        return Source(corpus.source.name, len(corpus), corpus)
    directory = Path(corpus)
    manifest_file = directory / "manifest.json"
    if not manifest_file.is_file():
        raise DataError(f"--corpus must be a corpus directory with a manifest.json. Got {str(directory)!r}.")
    try:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
        world_hash, condition = str(manifest["world_hash"]), str(manifest["condition"])
        files = tuple(directory / shard["file"] for shard in manifest["shards"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"manifest.json must hold world_hash, condition and shards. Got {str(manifest_file)!r}: {error!r}.") from None
    _same_world(world, world_hash)
    return Source(condition, sum(_rows(file) for file in files), files)


def _same_world(world: World, world_hash: str) -> None:
    if world.content_hash != world_hash:
        raise DataError(f"--corpus must be a corpus of --world ({world.content_hash[:12]}). Got one of the world {world_hash[:12]}.")


def _check_whole(table: pa.Table, file: Path) -> None:
    """Raise `DataError` where a value is missing or the lists of a document's statements differ in length."""
    lists = [table[name] for name in COLUMNS[2:]]
    whole = not any(column.null_count for column in table.columns)
    if not whole or any(not pc.list_value_length(column).equals(pc.list_value_length(lists[0])) for column in lists[1:]):
        raise DataError(f"corpus shard must have no missing value, and one item a statement in every list. Got {str(file)!r} otherwise.")


def _rows(file: Path) -> int:
    if not file.is_file():
        raise DataError(f"corpus shard must be there: the manifest names it. Got no {str(file)!r}.")
    try:
        parquet = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"corpus shard must be a readable parquet file of documents. Got {str(file)!r}: {error}") from None
    missing = [name for name in COLUMNS if name not in parquet.schema_arrow.names]
    if missing:
        raise DataError(f"corpus shard must have the columns {', '.join(COLUMNS)}. Got {str(file)!r} without {missing[0]!r}.")
    return int(parquet.metadata.num_rows)
