"""Writing a corpus out: `manifest.json` and `data/*.parquet`, a row a document; documents that a condition emptied are left out.

A shard is a run of document indices, so its bytes depend on neither the number of workers nor the order in which they finish, nor on
interruptions. While an export is under way, `.export/` holds what it is an export of and a record of each finished shard; the manifest is
written last, so that there is one only when the corpus is whole:

    with every shard, by any number of processes or machines that share a file system:
        begin(corpus, directory) -> records;  ensure_shard(...) for each shard;  finish(corpus, directory)

`write` does all this with worker processes of its own. A shard that has a record is kept if its hash is the recorded one.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medsafetyworld.corpus.card import CARD_FILES, write_card
from medsafetyworld.corpus.columns import SCHEMA, Counts, DocumentColumns, document_table
from medsafetyworld.errors import DataError, MedSafetyWorldError, require
from medsafetyworld.files import foreign_entry, whole_file, write_text
from medsafetyworld.processes import leave_interruption_to_parent, leave_with_parent

if TYPE_CHECKING:
    from medsafetyworld.corpus.sequence import Corpus

__all__ = ["SCHEMA", "SHARD_DOCUMENTS", "Shard", "begin", "document_table", "ensure_shard", "finish", "shard_count", "write"]

FORMAT = 2
SHARD_DOCUMENTS = 50_000
"""Document indices a shard, by default."""
COMPRESSION_LEVEL = 3
"""zstd's level: 9 gains a tenth of the size for a fifth of the speed."""
MANIFEST, DATA, STATE = "manifest.json", "data", ".export"
_IDENTITY = "identity.json"
_OWN = (MANIFEST, DATA, STATE, *CARD_FILES)
_SHARD_FILE = re.compile(r"corpus-\d{5,}\.parquet")
_CHUNK = 16_384  # documents turned into columns at once: what they need stays in the processor's cache
_REPEATING = [f"{name}.list.element" for name in ("reflections", "relation", "direction", "category", "template")]

Record = dict[str, Any]
"""A shard's entry in the manifest."""


@dataclass(frozen=True, slots=True)
class Shard:
    """What was done about a shard."""

    state: Literal["written", "kept", "missing", "damaged"]
    """written: there was none. kept: it was there, with the recorded hash. missing, damaged: a finished one was lost, now written anew."""
    record: Record


Watch = Callable[[Shard], None]


def write(
    corpus: Corpus,
    directory: Path,
    workers: int = 1,
    shard_documents: int = SHARD_DOCUMENTS,
    watch: Watch | None = None,
) -> None:
    """Write a corpus directory, or continue one that was interrupted, or verify and mend one that is finished.

    Args:
        corpus: what is written.
        directory: new, empty, or an export of the same corpus with the same shards.
        workers: processes; the bytes do not depend on it.
        shard_documents: document indices a shard; memory grows with it, not with the corpus.
        watch: called in this process after every shard.

    Raises:
        DataError: `directory` is a file, holds something else, or an export of another corpus; nothing was touched.
        MedSafetyWorldError: a worker process died.
    """
    require(isinstance(workers, int) and workers >= 1, "workers", "an int of at least 1", workers)
    records = begin(corpus, directory, shard_documents)
    for shard in _ensure_all(corpus, directory, shard_documents, records, workers):
        if watch is not None:
            watch(shard)
    finish(corpus, directory, shard_documents)
    shutil.rmtree(directory / STATE, ignore_errors=True)  # where an earlier run was killed between its manifest and this line


def shard_count(corpus: Corpus, shard_documents: int) -> int:
    """Return how many shards a corpus has."""
    return -(-len(corpus) // shard_documents)


def begin(corpus: Corpus, directory: Path, shard_documents: int = SHARD_DOCUMENTS) -> dict[int, Record]:
    """Open a directory for an export, and return the records of the shards that it should hold already, by number.

    Raises:
        DataError: `directory` is a file, holds something else, or an export of another corpus; nothing was touched.
    """
    require(isinstance(shard_documents, int) and shard_documents >= 1, "shard_documents", "an int of at least 1", shard_documents)
    identity = export_identity(corpus, shard_documents)
    foreign = foreign_entry(directory, _OWN, "corpus") or _foreign_shard(directory / DATA)
    if foreign is not None:
        raise DataError(f"corpus directory must be new, empty or hold a corpus only. Got {str(directory)!r} with {foreign!r}.")
    manifest, started = _read(directory / MANIFEST), _read(directory / STATE / _IDENTITY)
    found = manifest if manifest is not None else started
    if found is not None:
        _require_same(identity, found, directory)
    elif directory.exists() and {entry.name for entry in directory.iterdir()} - {STATE}:
        some = min(entry.name for entry in directory.iterdir())
        raise DataError(f"corpus directory must be new, empty or hold a manifest. Got {str(directory)!r} with {some!r} and none.")
    if manifest is not None:
        return dict(enumerate(_records_of(manifest, corpus, shard_documents, directory)))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / STATE).mkdir(exist_ok=True)
    if started is None:
        _write_json(directory / STATE / _IDENTITY, identity, directory / STATE)
    (directory / DATA).mkdir(exist_ok=True)
    return _finished(directory)


def ensure_shard(columns: DocumentColumns, directory: Path, shard_documents: int, number: int, record: Record | None) -> Shard:
    """Keep shard `number` if it is as recorded, else write it whole."""
    path = directory / DATA / shard_name(columns.corpus, shard_documents, number)
    if record is not None and path.is_file() and _sha256(path) == record["sha256"]:
        return Shard("kept", record)
    if record is not None:
        _reopen(columns.corpus, directory, shard_documents)
    state: Literal["written", "missing", "damaged"] = "written" if record is None else "damaged" if path.exists() else "missing"
    start = number * shard_documents
    stop = min(start + shard_documents, len(columns.corpus))
    tables, counts = zip(*(columns.table(np.arange(at, min(at + _CHUNK, stop))) for at in range(start, stop, _CHUNK)), strict=True)
    with whole_file(path, directory / STATE) as temporary:
        _write_table(pa.concat_tables(tables), temporary)
        digest = _sha256(temporary)
    total = sum(counts[1:], start=counts[0])
    written = {"file": f"{DATA}/{path.name}", "first_document": start, "documents": stop - start, **asdict(total), "sha256": digest}
    _write_json(directory / STATE / f"{number}.json", written, directory / STATE)
    return Shard(state, written)


def finish(corpus: Corpus, directory: Path, shard_documents: int = SHARD_DOCUMENTS) -> bool:
    """Write the manifest and the card if every shard is written; returns whether the corpus is whole."""
    manifest = _read(directory / MANIFEST)
    if manifest is not None:
        if not all((directory / name).exists() for name in CARD_FILES):
            (directory / STATE).mkdir(exist_ok=True)
            write_card(directory, manifest, directory / STATE)
        return True
    records = _finished(directory)
    if len(records) < shard_count(corpus, shard_documents):
        return False
    shards = [records[number] for number in sorted(records)]
    manifest = {
        **export_identity(corpus, shard_documents),
        "summary": corpus.condition.summary,
        "documents": len(corpus),
        **{name: sum(shard[name] for shard in shards) for name in Counts.__dataclass_fields__},
        "shards": shards,
    }
    write_card(directory, manifest, directory / STATE)
    _write_json(directory / MANIFEST, manifest, directory / STATE)
    shutil.rmtree(directory / STATE, ignore_errors=True)
    return True


def export_identity(corpus: Corpus, shard_documents: int) -> dict[str, Any]:
    """Return all that decides the content of a corpus directory: two exports may share one only where this is equal."""
    templates = sha256(repr([(fragment.name, fragment.pieces) for fragment in corpus.library.fragments]).encode()).hexdigest()
    return {
        "format": FORMAT,
        "world_hash": corpus.world.content_hash,
        "condition": corpus.condition.name,
        "config": asdict(corpus.config),
        "templates_hash": templates,
        "shard_documents": shard_documents,
    }


def shard_name(corpus: Corpus, shard_documents: int, number: int) -> str:
    """Return the file name of a shard; names sort as numbers do."""
    width = max(5, len(str(shard_count(corpus, shard_documents) - 1)))
    return f"corpus-{number:0{width}d}.parquet"


def _foreign_shard(data: Path) -> str | None:
    if not data.is_dir():
        return DATA if data.exists() else None
    return next((f"{DATA}/{name}" for name in sorted(path.name for path in data.iterdir()) if not _SHARD_FILE.fullmatch(name)), None)


def _require_same(identity: dict[str, Any], found: dict[str, Any], directory: Path) -> None:
    for name, value in _flat(identity).items():
        other = _flat(found).get(name)
        if other != value:
            raise DataError(
                f"corpus directory must be new, empty or an export with the same settings: {name} must be {value!r}. "
                f"Got {other!r} in {str(directory)!r}."
            )


def _records_of(manifest: dict[str, Any], corpus: Corpus, shard_documents: int, directory: Path) -> list[Record]:
    shards = manifest.get("shards")
    whole = isinstance(shards, list) and len(shards) == shard_count(corpus, shard_documents)
    if not whole or not all(isinstance(shard, dict) and "sha256" in shard for shard in shards or ()):
        raise DataError(f"manifest.json must list every shard with its sha256. Got one in {str(directory)!r} that does not.")
    return list(shards or ())


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return flat


def _reopen(corpus: Corpus, directory: Path, shard_documents: int) -> None:
    """Turn a finished export that lost a shard back into one under way: records first, so that nothing is lost at any moment."""
    manifest = _read(directory / MANIFEST)
    if manifest is None:
        return
    scratch = directory / STATE
    scratch.mkdir(exist_ok=True)
    for number, record in enumerate(manifest["shards"]):
        _write_json(scratch / f"{number}.json", record, scratch)
    _write_json(scratch / _IDENTITY, export_identity(corpus, shard_documents), scratch)
    (directory / MANIFEST).unlink(missing_ok=True)


def _finished(directory: Path) -> dict[int, Record]:
    """Return the records of the finished shards by number. One that cannot be read is none: its shard is written again."""
    found = {}
    for path in (directory / STATE).glob("*.json"):
        if path.stem.isdigit():
            try:
                found[int(path.stem)] = json.loads(path.read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                continue
    return found


def _ensure_all(corpus: Corpus, directory: Path, shard_documents: int, records: dict[int, Record], workers: int) -> Iterator[Shard]:
    numbers = range(shard_count(corpus, shard_documents))
    if workers == 1:
        columns = DocumentColumns(corpus)
        for number in numbers:
            yield ensure_shard(columns, directory, shard_documents, number, records.get(number))
        return
    arguments = (corpus.world, corpus.condition, corpus.config, directory, shard_documents)
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=arguments)
    try:
        for future in as_completed([pool.submit(_ensure_in_worker, number, records.get(number)) for number in numbers]):
            yield future.result()
    except BrokenProcessPool:
        raise MedSafetyWorldError("A worker process died (killed, or out of memory). The same command continues.") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_worker: list[tuple[DocumentColumns, Path, int]] = []  # a worker process's own corpus and where it is written


def _start_worker(world: Any, condition: Any, config: Any, directory: Path, shard_documents: int) -> None:
    from medsafetyworld.corpus.sequence import Corpus

    leave_with_parent()
    leave_interruption_to_parent()
    _worker[:] = [(DocumentColumns(Corpus(world, condition, config)), directory, shard_documents)]


def _ensure_in_worker(number: int, record: Record | None) -> Shard:
    columns, directory, shard_documents = _worker[0]
    return ensure_shard(columns, directory, shard_documents, number, record)


def _write_table(table: pa.Table, path: Path) -> None:
    """Write a shard. Dictionaries pay where values repeat; text is not indexed by its smallest and largest value."""
    statistics = ["doc_id"]
    pq.write_table(
        table, path, compression="zstd", compression_level=COMPRESSION_LEVEL, use_dictionary=_REPEATING, write_statistics=statistics
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise DataError(f"{path.name} must be a JSON file that an export wrote. Got {str(path)!r}, which is not.") from None
    if not isinstance(value, dict):
        raise DataError(f"{path.name} must be a JSON file that an export wrote. Got {str(path)!r}, which is not.")
    return value


def _write_json(path: Path, value: dict[str, Any], scratch: Path) -> None:
    write_text(path, json.dumps(value, indent=2) + "\n", scratch)
