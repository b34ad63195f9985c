"""World directories: `world.json`, `entities.parquet`, `edges.parquet`, `queries.parquet`.

The files say everything; what can be derived from others (queries) is checked against them when a world is read.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medsafetyworld.errors import ConfigError, DataError
from medsafetyworld.files import whole_directory
from medsafetyworld.world.config import HAZARDS, WorldConfig
from medsafetyworld.world.queries import QueryColumns
from medsafetyworld.world.safety import CATEGORIES
from medsafetyworld.world.splits import SPLITS

if TYPE_CHECKING:
    from medsafetyworld.world.world import World

FORMAT = 1
FILES = ("world.json", "entities.parquet", "edges.parquet", "queries.parquet")


def edge_relations(task: str) -> tuple[str, str]:
    """Return the relations of single and of pair edges."""
    if task == "two_hop":
        return "compound_mediator", "mediator_pair_outcome"
    return "compound_outcome", "compound_pair_outcome"


def named_edges(world: World) -> dict[str, NDArray[np.int32]]:
    """Return the edges of each relation as rows (causes ..., effect), from the compounds on; none between layers up to two hops."""
    single, pair = edge_relations(world.config.task)
    between = {"mediator_mediator": world.mediator_edges} if len(world.mediator_edges) else {}
    return {single: world.single_edges, **between, pair: world.pair_edges}


def entity_columns(world: World) -> dict[str, list[Any]]:
    """Return the columns of `entities.parquet` as lists over all entities."""
    from medsafetyworld.world.world import KINDS

    hazards = np.array([*world.hazard_names, ""], dtype=object)
    outcome = world.kind == KINDS.index("outcome")
    return {
        "id": list(range(len(world.names))),
        "kind": np.array(KINDS, dtype=object)[world.kind].tolist(),
        "name": world.names.tolist(),
        "unsafe": world.unsafe.tolist(),
        "hazard": hazards[world.hazard].tolist(),
        "split": np.where(outcome, np.array(SPLITS, dtype=object)[world.heldout.astype(int)], "").tolist(),
        "arm": world.arm.tolist(),
        "composed": world.composed.tolist(),
    }


ENTITIES = pa.schema(
    {
        "id": pa.int32(),
        "kind": pa.string(),
        "name": pa.string(),
        "unsafe": pa.bool_(),
        "hazard": pa.string(),
        "split": pa.string(),
        "arm": pa.string(),
        "composed": pa.bool_(),
    }
)
EDGES = pa.schema({"relation": pa.string(), "source": pa.list_(pa.int32()), "target": pa.list_(pa.int32())})
QUERIES = pa.schema(
    {
        "query_id": pa.int32(),
        "category": pa.string(),
        "split": pa.string(),
        "arm": pa.string(),
        "given": pa.list_(pa.int32()),
        "answers": pa.list_(pa.list_(pa.int32())),
    }
)


def save(world: World, directory: Path) -> None:
    """Write a world directory whole or not at all; replaces only a world directory that holds nothing else."""
    with whole_directory(directory, FILES, "world") as temporary:
        document = {"format": FORMAT, "content_hash": world.content_hash, "config": asdict(world.config)}
        (temporary / "world.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        _write(_entity_table(world), temporary / "entities.parquet")
        _write(_edge_table(world), temporary / "edges.parquet")
        _write(_query_table(world.query_columns), temporary / "queries.parquet")


def load(directory: Path) -> World:
    """Read a world directory and check it; raises `DataError` in one line."""
    from medsafetyworld.world.world import World

    document = _read_document(directory)
    config = _read_config(document, directory)
    entities, edges, queries = (_read(directory / name, schema) for name, schema in zip(FILES[1:], (ENTITIES, EDGES, QUERIES), strict=True))
    codes = {name: code for code, name in enumerate(HAZARDS)} | {"": -1}
    try:
        hazard = np.array([codes[name] for name in entities["hazard"].to_pylist()], dtype=np.int8)
        single, pair, between = (_edges_of(edges, relation) for relation in (*edge_relations(config.task), "mediator_mediator"))
        world = World(
            config=config,
            names=_objects(entities["name"]),
            unsafe=np.array(entities["unsafe"]),
            hazard=hazard,
            heldout=np.array(pc.equal(entities["split"], "heldout")),
            arm=_objects(entities["arm"]),
            composed=np.array(entities["composed"]),
            single_edges=single,
            pair_edges=pair,
            mediator_edges=between,
        )
        same = world.content_hash == document["content_hash"] and entities.equals(_entity_table(world)) and edges.equals(_edge_table(world))
        same = same and queries.equals(_query_table(world.query_columns))
    except (KeyError, IndexError, TypeError, ValueError):
        same = False
    if not same:
        raise DataError(f"world directory must hold the files that were saved, unchanged. Got {str(directory)!r}, whose content differs.")
    return world


def _read_document(directory: Path) -> dict[str, Any]:
    path = directory / "world.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"world directory must hold world.json. Got {str(directory)!r}, which does not.") from None
    except (OSError, ValueError):
        raise DataError(f"world.json must be a JSON file. Got {str(path)!r}, which cannot be read.") from None
    if not isinstance(document, dict) or not {"format", "content_hash", "config"} <= document.keys():
        raise DataError(f"world.json must hold format, content_hash and config. Got {str(path)!r}, which does not.")
    if document["format"] != FORMAT:
        raise DataError(f"format of world.json must be {FORMAT}. Got {document['format']!r}.")
    return document


def _read_config(document: dict[str, Any], directory: Path) -> WorldConfig:
    values = document["config"]
    try:
        arms = values["arms"]
        return WorldConfig(**{**values, "arms": None if arms is None else tuple(arms)})
    except (TypeError, KeyError, ConfigError) as error:
        raise DataError(f"config in world.json must be a world configuration. Got {str(directory)!r}: {error}") from None


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid):
        raise DataError(f"world file must be a readable parquet file. Got {str(path)!r}.") from None
    if not table.schema.equals(schema):
        raise DataError(f"columns of {path.name} must be {', '.join(schema.names)}. Got {', '.join(table.schema.names)}.")
    return table.combine_chunks()


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _entity_table(world: World) -> pa.Table:
    return pa.table(entity_columns(world), schema=ENTITIES)


def _edge_table(world: World) -> pa.Table:
    edges = named_edges(world)
    columns = [
        pa.concat_arrays([pa.repeat(relation, len(rows)) for relation, rows in edges.items()]),
        pa.concat_arrays([_fixed_lists(rows[:, :-1]) for rows in edges.values()]),
        pa.concat_arrays([_fixed_lists(rows[:, -1:]) for rows in edges.values()]),
    ]
    return pa.table(columns, schema=EDGES)


def _query_table(columns: QueryColumns) -> pa.Table:
    answers = pa.ListArray.from_arrays(pa.array(columns.offsets, pa.int32()), _filled_lists(columns.answers))
    return pa.table(
        [
            pa.array(np.arange(len(columns.category)), pa.int32()),
            pa.array(np.array(CATEGORIES, dtype=object)[columns.category], pa.string()),
            pa.array(np.array(SPLITS, dtype=object)[columns.heldout.astype(int)], pa.string()),
            pa.array(columns.arm, pa.string()),
            _filled_lists(columns.given),
            answers,
        ],
        schema=QUERIES,
    )


def _edges_of(edges: pa.Table, relation: str) -> NDArray[np.int32]:
    """Return the edges of a relation as (F, causes + 1) ids; raises ValueError where they are not all of one size."""
    rows = edges.filter(pc.equal(edges["relation"], relation)).combine_chunks()
    width = 2 if "pair" in relation else 1
    source = np.array(pc.list_flatten(rows["source"])).reshape(len(rows), width)
    return np.column_stack([source, np.array(pc.list_flatten(rows["target"])).reshape(len(rows), 1)]).astype(np.int32)


def _fixed_lists(rows: NDArray[np.int32]) -> pa.ListArray:
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(rows.ravel(), pa.int32()))


def _filled_lists(rows: NDArray[np.int32]) -> pa.ListArray:
    """Return rows as lists without the -1 that fills them up."""
    used = rows >= 0
    offsets = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(rows[used], pa.int32()))


def _objects(column: pa.ChunkedArray) -> NDArray[np.object_]:
    values: NDArray[np.object_] = np.array(column.to_pylist(), dtype=object)
    return values
