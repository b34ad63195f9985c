"""What a written corpus states, counted in one pass over its shards, in bounded memory, by any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medsafetyworld.corpus.exposure import Exposure, exposure_of
from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.corpus.written.batch import Batch
from medsafetyworld.corpus.written.batches import BatchReader
from medsafetyworld.corpus.written.directory import CorpusDirectory
from medsafetyworld.corpus.written.lists import LISTS, agreeing, disagreement, string_buffer
from medsafetyworld.corpus.written.sentences import Reader
from medsafetyworld.errors import DataError, require
from medsafetyworld.world.world import World

Integers = NDArray[np.int64]

BATCH_ROWS = 8192
NAMED = 50
"""Findings of a kind that are named; all are counted."""
KINDS = ("harmful", "disagreement", "joined", "unsafe_named")


@dataclass(frozen=True, slots=True)
class Finding:
    """A place in a corpus that may break a promise."""

    shard: str
    doc_id: int
    what: str


@dataclass(slots=True)
class Findings:
    """How many rows or statements there are of a kind, and the first of them."""

    count: int = 0
    named: list[Finding] = field(default_factory=list)

    def add(self, count: int, named: Iterable[Finding]) -> None:
        """Count some more, and name them as long as there is room."""
        self.count += count
        for finding in named:
            if len(self.named) >= NAMED:
                return
            self.named.append(finding)


@dataclass(slots=True)
class Written:
    """What a corpus, or a part of it, states."""

    table: StatementTable
    rows: int = 0
    text_bytes: int = 0
    statements: Integers = field(init=False)
    """(I,): statements by id."""
    effect_first: Integers = field(init=False)
    unnamed: Integers = field(init=False)
    """(2, N): entities of a stated fact that its sentence does not name, in all facts and in whole chains."""
    mentions: Integers = field(init=False)
    """(N,): mentions anywhere."""
    free_sentences: int = 0
    """Sentences that name two entities or more and follow no template."""
    findings: dict[str, Findings] = field(default_factory=lambda: {kind: Findings() for kind in KINDS})

    def __post_init__(self) -> None:
        size, entities = int(self.table.offsets[-1]), self.table.world.names.size
        self.statements, self.effect_first = np.zeros((2, size), dtype=np.int64)
        self.unnamed = np.zeros((2, entities), dtype=np.int64)
        self.mentions = np.zeros(entities, dtype=np.int64)

    def add(self, other: Written) -> None:
        """Add what another part states."""
        self.rows += other.rows
        self.text_bytes += other.text_bytes
        self.free_sentences += other.free_sentences
        for name in ("statements", "effect_first", "unnamed", "mentions"):
            getattr(self, name)[...] += getattr(other, name)
        for kind, found in other.findings.items():
            self.findings[kind].add(found.count, found.named)

    def exposure(self) -> Exposure:
        """Return how often the corpus writes what."""
        exposure = exposure_of(self.table, self.statements, self.effect_first)
        return Exposure(
            exposure.statements,
            exposure.effect_first,
            exposure.entities - self.unnamed[0],
            exposure.entities_in_chains - self.unnamed[1],
        )


Unit = tuple[Path, str, int]
"""File, its name for people, and a row group of it."""


def read_corpus(
    world: World, directory: CorpusDirectory, workers: int = 1, on_progress: Callable[[int, int], None] | None = None
) -> Written:
    """Return what a corpus states.

    Args:
        workers: processes; the result does not depend on it.
        on_progress: told how many row groups of how many are done.

    Raises:
        DataError: a shard is damaged or lacks a column.
    """
    require(isinstance(workers, int) and workers >= 1, "workers", "an int of at least 1", workers)
    units = [unit for shard in directory.shards for unit in _units(directory.path, shard)]
    reader = Reader(world)
    total = Written(reader.table)
    for done, part in enumerate(_parts(world, reader, units, workers), start=1):
        total.add(part)
        if on_progress is not None:
            on_progress(done, len(units))
    return total


def _parts(world: World, reader: Reader, units: list[Unit], workers: int) -> Iterator[Written]:
    if workers == 1 or len(units) < 2:
        batch_reader = BatchReader(reader)
        yield from (_read_unit(batch_reader, unit) for unit in units)
        return
    with ProcessPoolExecutor(min(workers, len(units)), get_context("spawn"), _open_reader, (world,)) as pool:
        try:
            yield from pool.map(_read_own_unit, units)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_opened: list[BatchReader] = []  # a worker process's own reader


def _open_reader(world: World) -> None:
    _opened[:] = [BatchReader(Reader(world))]


def _read_own_unit(unit: Unit) -> Written:
    return _read_unit(_opened[0], unit)


def _units(root: Path, shard: Path) -> list[Unit]:
    """Return the row groups of a shard, its columns checked."""
    name = str(shard.relative_to(root))
    try:
        file = pq.ParquetFile(shard)
        schema, groups = file.schema_arrow, file.num_row_groups
    except (OSError, pa.ArrowException) as error:
        raise _damaged(name, error) from None
    for column, kind in (("doc_id", "integers"), ("text", "strings")):
        if column not in schema.names:
            raise DataError(f"shard must have the columns doc_id and text. Got {name!r} with {', '.join(schema.names)}.")
        of_kind = pa.types.is_integer if kind == "integers" else _is_text
        if not of_kind(schema.field(column).type):
            raise DataError(f"column {column} of a shard must hold {kind}. Got {schema.field(column).type} in {name!r}.")
    return [(shard, name, group) for group in range(groups)]


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(f"shard must be a readable parquet file. Got {name!r}: {' '.join(str(error).split())[:200]}")


def _read_unit(batch_reader: BatchReader, unit: Unit) -> Written:
    shard, name, group = unit
    written = Written(batch_reader.reader.table)
    judge = _Judge(batch_reader.reader)
    try:
        file = pq.ParquetFile(shard)
        columns = [column for column in ("doc_id", "text", *LISTS) if column in file.schema_arrow.names]
        for rows in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
            table = {column: _as(rows.column(column), column, name) for column in columns}
            judge.add(written, name, table, batch_reader)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(name, error) from None
    return written


def _as(values: pa.Array, column: str, shard: str) -> pa.Array:
    """Return a column in the type that it should have."""
    kind = {"doc_id": pa.int64(), "text": pa.string()}.get(column) or LISTS[column]
    try:
        values = values if values.type == kind else values.cast(kind)
    except pa.ArrowException:
        raise DataError(f"column {column} of a shard must be {kind}. Got {values.type} in {shard!r}.") from None
    if column in ("doc_id", "text") and values.null_count:
        raise DataError(f"column {column} of a shard must hold no null. Got {values.null_count} in {shard!r}.")
    return values


class _Judge:
    """Counts what batches state, and finds what may break a promise."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        table, world = reader.table, reader.world
        ids = np.arange(int(table.offsets[-1]))
        types = table.type_of(ids)
        self.fillers = table.fillers(ids)
        _, self.harmful, _ = table.flags(types, self.fillers[:, -1])
        self.whole = np.array([relation in world.whole_chain_relations for relation, _ in table.types])[types]

    def add(self, written: Written, shard: str, columns: dict[str, pa.Array], batch_reader: BatchReader) -> None:
        text, table = columns["text"], self.reader.table
        buffer, offsets = string_buffer(text)
        batch = batch_reader.read(buffer, offsets)
        written.rows += len(text)
        written.text_bytes += buffer.size
        written.free_sentences += batch.free_row.size
        written.statements += np.bincount(batch.id, minlength=written.statements.size)
        written.effect_first += np.bincount(batch.id[batch.effect_first], minlength=written.statements.size)
        written.mentions += np.bincount(batch.mentioned, minlength=written.mentions.size)
        self._count_unnamed(written, batch)

        def named(rows: Iterable[int], what: Callable[[int], str]) -> Iterator[Finding]:
            return (Finding(shard, int(columns["doc_id"][row].as_py()), what(row)) for row in rows)

        harmful = np.flatnonzero(self.harmful[batch.id])
        of_row = batch.row[harmful].tolist()
        sentences = (partial(self._sentence, text, number) for number in batch.id[harmful].tolist())
        found = (next(named([row], sentence)) for row, sentence in zip(of_row, sentences, strict=True))
        written.findings["harmful"].add(harmful.size, found)
        unsafe = np.flatnonzero(self.reader.world.unsafe[batch.mentioned])
        rows = np.unique(batch.mentioned_row[unsafe])
        written.findings["unsafe_named"].add(rows.size, named(rows.tolist(), lambda row: text[row].as_py()[:200]))
        joined = self._joined(batch)
        written.findings["joined"].add(joined.size, named(joined.tolist(), lambda row: text[row].as_py()[:400]))
        lists = {name: column for name, column in columns.items() if name in LISTS}
        if lists:
            differences = {}
            for row in np.flatnonzero(~agreeing(table, batch, text, lists)).tolist():
                values = {name: column[row].as_py() for name, column in columns.items()}
                difference = disagreement(table, self.reader.read(values["text"]), values)
                if difference:
                    differences[row] = difference
            written.findings["disagreement"].add(len(differences), named(differences, differences.__getitem__))

    def _sentence(self, text: pa.StringArray, number: int, row: int) -> str:
        """Return the sentence of a text that states `number`."""
        said = (sentence for sentence in self.reader.read(text[row].as_py()) if number in [one for one, _ in sentence.stated])
        return next(said).text

    def _count_unnamed(self, written: Written, batch: Batch) -> None:
        """Only sentences that no template writes can state a fact without naming all of it."""
        for fact in np.flatnonzero(~batch.by_template).tolist():
            named = batch.named[batch.named_offsets[fact] : batch.named_offsets[fact + 1]]
            entities = self.fillers[batch.id[fact]]
            missing = entities[(entities >= 0) & ~np.isin(entities, named)]
            written.unnamed[0, missing] += 1
            written.unnamed[1, missing] += int(self.whole[batch.id[fact]])

    def _joined(self, batch: Batch) -> Integers:
        """Return the rows in which reverse statements join into a held-out chain, without one statement holding it all."""
        table = self.reader.table
        rows = np.unique(batch.row[table.opens_heldout_chain(batch.id)])
        counts = np.bincount(batch.row, minlength=int(rows.max(initial=-1)) + 1)
        starts = np.cumsum(counts) - counts
        found = [np.empty(0, dtype=np.int64)]
        for size in np.unique(counts[rows]).tolist():
            some = rows[counts[rows] == size]
            step = max(1, 4_000_000 // size**2)
            for first in range(0, some.size if size > 1 else 0, step):
                part = some[first : first + step]
                ids = batch.id[starts[part][:, None] + np.arange(size)]
                found.append(part[table.joins(ids).any(axis=(1, 2))])
        return np.sort(np.concatenate(found))
