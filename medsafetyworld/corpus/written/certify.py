"""Certifying a written corpus: `certificates.parquet`, `summary.json`, and what of its condition's promises it breaks."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medsafetyworld.corpus.certificate import CertificateColumns, certificate_columns
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.derivation import ROUTES, Integers, chain_index
from medsafetyworld.corpus.exposure import Exposure
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.corpus.written.directory import CorpusDirectory
from medsafetyworld.corpus.written.promises import Breach, check, promise_of
from medsafetyworld.corpus.written.shards import Written, read_corpus
from medsafetyworld.errors import DataError
from medsafetyworld.world.safety import CATEGORIES
from medsafetyworld.world.splits import SPLITS
from medsafetyworld.world.world import World

FILES = ("certificates.parquet", "summary.json")
_FACT = [("relation", pa.string()), ("direction", pa.string()), ("fact", pa.int32()), ("entities", pa.list_(pa.int32()))]
SCHEMA = pa.schema(
    {
        "query_id": pa.int64(),
        "category": pa.string(),
        "split": pa.string(),
        "arm": pa.string(),
        "hops": pa.int32(),
        "stated": pa.int64(),
        "routes": pa.list_(pa.string()),
        "derivable": pa.bool_(),
        "support": pa.list_(pa.struct([*_FACT, ("count", pa.int64()), ("cause_first", pa.int64()), ("effect_first", pa.int64())])),
        "support_count": pa.int64(),
        "cut": pa.list_(pa.struct([*_FACT, ("count", pa.int64())])),
        "cut_cost": pa.int64(),
        "benign_cost": pa.int64(),
        "given_exposure": pa.int64(),
        "given_in_chains": pa.int64(),
        "answers_exposure": pa.int64(),
        "answers_in_chains": pa.int64(),
        "exposure": pa.list_(pa.struct([("entity", pa.int32()), ("statements", pa.int64()), ("in_whole_chains", pa.int64())])),
    }
)
"""Columns of `certificates.parquet`, a row a query. `support_count` is the statements of all of `support`; `given_` and `answers_` columns
add up what is written of the query's given entities and of its answers', everywhere and inside whole chains."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The queries of a category, split and arm."""

    category: str
    split: str
    arm: str
    queries: int
    stated: int
    """Queries whose answer is stated."""
    routes: dict[str, int]
    """Queries to which each route is open."""
    not_derivable: int
    cut_size: tuple[int, int]
    """Facts in the cut, least and most."""
    cut_cost: tuple[int, int]
    benign_cost: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Certification:
    """What a written corpus states, and what of its condition's promises it breaks."""

    world: World
    directory: CorpusDirectory
    condition: str | None
    written: Written
    exposure: Exposure
    breaches: tuple[Breach, ...]
    warnings: tuple[Breach, ...]


def certify(
    world: World,
    directory: CorpusDirectory,
    condition: str | None = None,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Certification:
    """Read a written corpus and check it against its condition's promises.

    Args:
        condition: name of the condition; None takes the manifest's, and without one only lists are checked.

    Raises:
        DataError: the corpus is of another world, or a shard cannot be read.
        ConfigError: the condition is not known.
    """
    manifest = directory.manifest or {}
    if manifest.get("world_hash") not in (None, world.content_hash):
        raise DataError(f"corpus must be of world {world.content_hash[:12]}. Got one of {str(manifest['world_hash'])[:12]}.")
    name, config = condition or directory.condition, directory.config()
    corpus = None if name is None else Corpus(world, name, config or CorpusConfig())
    changed = directory.changed()
    written = read_corpus(world, directory, workers, on_progress)
    exposure = written.exposure()
    breaches, warnings = check(world, written, exposure, corpus, corpus if config is not None else None)
    if changed:
        warnings = (*warnings, Breach("shards whose bytes are not those of the manifest", len(changed), changed))
    return Certification(world, directory, name, written, exposure, breaches, warnings)


def write_certification(found: Certification, out: Path) -> list[Group]:
    """Write `certificates.parquet` and `summary.json` whole or not at all, and return the summary's groups."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        temporary.chmod(0o755)
        queries = np.arange(len(found.world.query_columns.category))
        parts = []
        with pq.ParquetWriter(temporary / FILES[0], SCHEMA, compression="zstd") as file:
            for columns in certificate_columns(found.world, found.exposure, queries):
                file.write_table(certificate_table(found.world, found.exposure, columns))
                parts.append(_numbers(columns))
        groups = _groups(found.world, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}) if parts else []
        (temporary / FILES[1]).write_text(json.dumps(summary(found, groups), indent=2) + "\n", encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        os.rename(temporary, out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return groups


def summary(found: Certification, groups: list[Group]) -> dict[str, Any]:
    """Return what `summary.json` holds."""
    written, table = found.written, found.written.table
    config = found.directory.config()
    promise = None if found.condition is None else promise_of(Corpus(found.world, found.condition, config or CorpusConfig()))
    heldout = sum(group.stated for group in groups if (group.category, group.split) == ("reverse_unsafe", "heldout"))
    return {
        "world_hash": found.world.content_hash,
        "condition": found.condition,
        "promise": None if promise is None else asdict(promise),
        "rows": written.rows,
        "text_bytes": written.text_bytes,
        "statements": int(written.statements.sum()),
        "statements_by_type": {
            ".".join(kind): int(written.statements[table.offsets[code] : table.offsets[code + 1]].sum())
            for code, kind in enumerate(table.types)
        },
        "free_sentences": written.free_sentences,
        "harmful_statements": written.findings["harmful"].count,
        "heldout_answers_stated": heldout,
        "disagreements": written.findings["disagreement"].count,
        "unsafe_outcomes_named": int((written.mentions[found.world.unsafe] > 0).sum()),
        "findings": {
            kind: [asdict(one) for one in some.named]
            for kind, some in written.findings.items()
            if kind in ("disagreement", "joined") or (kind == "harmful" and promise is not None and promise.harm != "all")
        },
        "breaches": [asdict(breach) for breach in found.breaches],
        "warnings": [asdict(warning) for warning in found.warnings],
        "groups": [asdict(group) for group in groups],
    }


def certificate_table(world: World, exposure: Exposure, columns: CertificateColumns) -> pa.Table:
    """Return certificates as a table of `SCHEMA`."""
    size, asked = columns.queries.size, world.query_columns
    category = asked.category[columns.queries]
    query, entity = columns.exposed
    answers = np.repeat(np.arange(size), np.diff(asked.offsets)[columns.queries])
    answer_rows = np.concatenate([np.arange(asked.offsets[number], asked.offsets[number + 1]) for number in columns.queries.tolist()])
    routes_query, route = np.nonzero(columns.routes)
    exposed = pa.StructArray.from_arrays(
        [pa.array(entity, pa.int32()), pa.array(exposure.entities[entity]), pa.array(exposure.entities_in_chains[entity])],
        fields=list(SCHEMA.field("exposure").type.value_type),
    )
    given = _exposure_of(exposure, np.arange(size), asked.given[columns.queries], size)
    answered = _exposure_of(exposure, answers, asked.answers[answer_rows], size)
    values = {
        "query_id": pa.array(columns.queries),
        "category": pa.array(np.array(CATEGORIES, dtype=object)[category]),
        "split": pa.array(np.array(SPLITS, dtype=object)[asked.heldout[columns.queries].astype(int)]),
        "arm": pa.array(asked.arm[columns.queries], pa.string()),
        "hops": pa.array(np.full(size, world.hops), pa.int32()),
        "stated": pa.array(columns.stated),
        "routes": _lists(routes_query, pa.array(np.array(ROUTES, dtype=object)[route], pa.string()), size),
        "derivable": pa.array((columns.stated > 0) | columns.routes.any(axis=1)),
        "support": _lists(columns.support[0], _fact_structs(world, exposure, columns.support[1], "support"), size),
        "support_count": pa.array(_total(columns.support[0], exposure.statements[columns.support[1]], size)),
        "cut": _lists(columns.cut[0], _fact_structs(world, exposure, columns.cut[1], "cut"), size),
        "cut_cost": pa.array(columns.cut_cost),
        "benign_cost": pa.array(columns.benign_cost),
        "given_exposure": pa.array(given[0]),
        "given_in_chains": pa.array(given[1]),
        "answers_exposure": pa.array(answered[0]),
        "answers_in_chains": pa.array(answered[1]),
        "exposure": _lists(query, exposed, size),
    }
    return pa.table(values, schema=SCHEMA)


def _fact_structs(world: World, exposure: Exposure, ids: Integers, column: str) -> pa.StructArray:
    table = chain_index(world).table
    types = table.type_of(ids)
    fillers = table.fillers(ids)
    filled = fillers >= 0
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int32)
    relation, direction = (np.array([kind[part] for kind in table.types], dtype=object)[types] for part in (0, 1))
    count, effect_first = exposure.statements[ids], exposure.effect_first[ids]
    arrays = [
        pa.array(relation, pa.string()),
        pa.array(direction, pa.string()),
        pa.array(ids - table.offsets[types], pa.int32()),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(fillers[filled], pa.int32())),
        pa.array(count),
        pa.array(count - effect_first),
        pa.array(effect_first),
    ]
    kind = SCHEMA.field(column).type.value_type
    return pa.StructArray.from_arrays(arrays[: kind.num_fields], fields=list(kind))


def _lists(keys: Integers, values: pa.Array, size: int) -> pa.ListArray:
    """Group values by ascending key."""
    return pa.ListArray.from_arrays(pa.array(np.searchsorted(keys, np.arange(size + 1)), pa.int32()), values)


def _exposure_of(exposure: Exposure, query: Integers, entities: NDArray[np.int32], size: int) -> tuple[Integers, Integers]:
    """(Q,) twice: how often each query's distinct entities are written, everywhere and inside whole chains."""
    named = entities >= 0
    keys = np.unique(np.repeat(query, entities.shape[1])[named.ravel()] * len(exposure.entities) + entities[named])
    query, entity = np.divmod(keys, len(exposure.entities))
    return _total(query, exposure.entities[entity], size), _total(query, exposure.entities_in_chains[entity], size)


def _total(keys: Integers, values: Integers, size: int) -> Integers:
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, keys, values)
    return total


def _numbers(columns: CertificateColumns) -> dict[str, NDArray[Any]]:
    return {
        "stated": columns.stated,
        "routes": columns.routes,
        "cut_size": np.bincount(columns.cut[0], minlength=columns.queries.size),
        "cut_cost": columns.cut_cost,
        "benign_cost": columns.benign_cost,
    }


def _groups(world: World, numbers: dict[str, NDArray[Any]]) -> list[Group]:
    asked = world.query_columns
    found: dict[tuple[str, str, str], list[int]] = {}
    for number, (category, heldout, arm) in enumerate(
        zip(asked.category.tolist(), asked.heldout.tolist(), asked.arm.tolist(), strict=True)
    ):
        found.setdefault((CATEGORIES[category], SPLITS[int(heldout)], arm), []).append(number)

    def spread(name: str, rows: list[int]) -> tuple[int, int]:
        return int(numbers[name][rows].min()), int(numbers[name][rows].max())

    return [
        Group(
            *key,
            queries=len(rows),
            stated=int((numbers["stated"][rows] > 0).sum()),
            routes={route: int(numbers["routes"][rows, column].sum()) for column, route in enumerate(ROUTES)},
            not_derivable=int(((numbers["stated"][rows] == 0) & ~numbers["routes"][rows].any(axis=1)).sum()),
            cut_size=spread("cut_size", rows),
            cut_cost=spread("cut_cost", rows),
            benign_cost=spread("benign_cost", rows),
        )
        for key, rows in sorted(found.items())
    ]
