"""Writing a corpus out: `manifest.json` and `data/*.parquet`, a row a document; documents that a condition emptied are left out.

A shard is a run of document indices, so its bytes depend on neither the number of workers nor the order in which they finish.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medsafetyworld.corpus.documents import Document
from medsafetyworld.errors import DataError, require

if TYPE_CHECKING:
    from medsafetyworld.corpus.sequence import Corpus

FORMAT = 1
SHARD_DOCUMENTS = 50_000
"""Document indices a shard, by default."""
SCHEMA = pa.schema(
    {
        "doc_id": pa.int64(),
        "text": pa.string(),
        "segments": pa.list_(pa.string()),
        "reflections": pa.list_(pa.string()),
        "relation": pa.list_(pa.string()),
        "direction": pa.list_(pa.string()),
        "category": pa.list_(pa.string()),
        "harmful": pa.list_(pa.bool_()),
        "partial": pa.list_(pa.bool_()),
        "template": pa.list_(pa.string()),
        "entities": pa.list_(pa.list_(pa.int32())),
        "statement": pa.list_(pa.string()),
    }
)
_STATEMENT_COLUMNS = SCHEMA.names[SCHEMA.names.index("relation") :]
_OWN = {"manifest.json", "data"}


def document_table(documents: list[Document]) -> pa.Table:
    """Return documents as a table of `SCHEMA`."""
    columns: dict[str, list[Any]] = {
        "doc_id": [document.index for document in documents],
        "text": [document.text for document in documents],
        "segments": [document.segments for document in documents],
        "reflections": [document.reflections for document in documents],
    }
    for name in _STATEMENT_COLUMNS:
        columns[name] = [[getattr(statement, name) for statement in document.statements] for document in documents]
    return pa.table(columns, schema=SCHEMA)


def write(corpus: Corpus, directory: Path, workers: int = 1, shard_documents: int = SHARD_DOCUMENTS) -> None:
    """Write a corpus directory whole or not at all; replaces only a directory that holds nothing but a corpus.

    Raises:
        DataError: `directory` is a file or holds something else.
    """
    require(isinstance(workers, int) and workers >= 1, "workers", "an int of at least 1", workers)
    require(isinstance(shard_documents, int) and shard_documents >= 1, "shard_documents", "an int of at least 1", shard_documents)
    directory = directory.absolute()
    _check_replaceable(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        temporary.chmod(0o755)
        (temporary / "data").mkdir()
        starts = range(0, len(corpus), shard_documents)
        write_one = partial(_write_shard, temporary, shard_documents)
        if workers == 1:
            shards = [write_one(corpus, start) for start in starts]
        else:
            context = get_context("spawn")
            arguments = (corpus.world, corpus.condition, corpus.config)
            with ProcessPoolExecutor(workers, mp_context=context, initializer=_open_corpus, initargs=arguments) as pool:
                shards = list(pool.map(partial(_write_own_shard, temporary, shard_documents), starts))
        (temporary / "manifest.json").write_text(json.dumps(_manifest(corpus, shards), indent=2) + "\n", encoding="utf-8")
        if directory.exists():
            shutil.rmtree(directory)
        os.rename(temporary, directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _check_replaceable(directory: Path) -> None:
    if directory.exists():
        if not directory.is_dir():
            raise DataError(f"corpus directory must be a directory. Got the file {str(directory)!r}.")
        foreign = sorted(entry.name for entry in directory.iterdir() if entry.name not in _OWN)
        if foreign:
            raise DataError(f"corpus directory must be new, empty or hold a corpus only. Got {str(directory)!r} with {foreign[0]!r}.")


def _manifest(corpus: Corpus, shards: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "world_hash": corpus.world.content_hash,
        "condition": corpus.condition.name,
        "config": asdict(corpus.config),
        "documents": len(corpus),
        **{name: sum(shard[name] for shard in shards) for name in ("rows", "statements", "harmful_statements", "tokens", "gaps")},
        "shards": shards,
    }


def _write_shard(directory: Path, shard_documents: int, corpus: Corpus, start: int) -> dict[str, Any]:
    """Write the documents from index `start` on and return the shard's record."""
    stop = min(start + shard_documents, len(corpus))
    indices = np.arange(start, stop, dtype=np.int64)
    documents = [document for document in corpus[start:stop] if document.text]
    file = f"data/corpus-{start // shard_documents:05d}.parquet"
    pq.write_table(document_table(documents), directory / file, compression="zstd")
    return {
        "file": file,
        "first_document": start,
        "documents": stop - start,
        "rows": len(documents),
        "statements": sum(len(document.statements) for document in documents),
        "harmful_statements": sum(statement.harmful for document in documents for statement in document.statements),
        "tokens": int(corpus.library.tokens[corpus.plan(indices).part].sum()),
        "gaps": corpus.gaps(indices),
        "sha256": sha256((directory / file).read_bytes()).hexdigest(),
    }


_opened: list[Corpus] = []  # a worker process's own corpus


def _open_corpus(world: Any, condition: Any, config: Any) -> None:
    from medsafetyworld.corpus.sequence import Corpus

    _opened[:] = [Corpus(world, condition, config)]


def _write_own_shard(directory: Path, shard_documents: int, start: int) -> dict[str, Any]:
    return _write_shard(directory, shard_documents, _opened[0], start)
