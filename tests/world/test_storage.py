from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medsafetyworld import DataError, World, WorldConfig
from medsafetyworld.world import storage

FILES = ["edges.parquet", "entities.parquet", "queries.parquet", "world.json"]
CONFIG = WorldConfig(compounds=20, mediators=15, outcomes=18, arms=("both", "composition"), seed=4)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    World.generate(CONFIG).save(tmp_path / "world")
    return tmp_path / "world"


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_files_and_columns_are_the_documented_ones(saved: Path) -> None:
    assert sorted(os.listdir(saved)) == FILES
    schemas = {name: pq.read_schema(saved / name) for name in FILES[:-1]}
    assert schemas["entities.parquet"].names == ["id", "kind", "name", "unsafe", "hazard", "split", "arm", "composed"]
    assert schemas["edges.parquet"].names == ["relation", "source", "target"]
    assert schemas["queries.parquet"].names == ["query_id", "category", "split", "arm", "given", "answers"]
    assert schemas["edges.parquet"].field("source").type == pa.list_(pa.int32())
    assert schemas["queries.parquet"].field("answers").type == pa.list_(pa.list_(pa.int32()))
    document = json.loads((saved / "world.json").read_text())
    assert document["content_hash"] == World.load(saved).content_hash
    assert document["config"]["seed"] == 4


def test_loading_gives_the_same_world_and_saving_it_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    world = World.load(saved)
    assert world == World.generate(CONFIG)
    assert world.queries() == World.generate(CONFIG).queries()
    assert world.config == CONFIG
    world.save(str(tmp_path / "again"))
    assert contents(tmp_path / "again") == contents(saved)


def test_deeper_worlds_are_saved_with_the_edges_between_their_layers(tmp_path: Path) -> None:
    world = World.generate(replace(CONFIG, hops=4))
    world.save(tmp_path / "world")
    assert World.load(tmp_path / "world") == world
    edges = pq.read_table(tmp_path / "world" / "edges.parquet").to_pylist()
    assert list(dict.fromkeys(edge["relation"] for edge in edges)) == ["compound_mediator", "mediator_mediator", "mediator_pair_outcome"]
    between = [(*edge["source"], *edge["target"]) for edge in edges if edge["relation"] == "mediator_mediator"]
    assert between == [tuple(edge) for edge in world.mediator_edges.tolist()]
    entities = pq.read_table(tmp_path / "world" / "entities.parquet").to_pylist()
    assert sum(entity["kind"] == "mediator" for entity in entities) == 3 * CONFIG.mediators


def test_a_changed_edge_between_layers_is_told(tmp_path: Path) -> None:
    World.generate(replace(CONFIG, hops=3)).save(tmp_path / "world")
    file = tmp_path / "world" / "edges.parquet"
    table = pq.read_table(file)
    pq.write_table(_change(table, "target", CONFIG.compounds, [0]), file)
    with pytest.raises(DataError, match="whose content differs"):
        World.load(tmp_path / "world")


def test_a_world_directory_is_replaced_and_nothing_is_left_behind(saved: Path) -> None:
    other = World.generate(WorldConfig(compounds=20, mediators=15, outcomes=18, seed=5))
    other.save(saved)
    assert World.load(saved) == other
    assert os.listdir(saved.parent) == ["world"]


def test_a_directory_that_holds_other_things_is_not_touched(saved: Path) -> None:
    (saved / "notes.txt").write_text("mine")
    before = contents(saved)
    with pytest.raises(DataError, match=r"must be new, empty or hold a world only\. Got .* with 'notes.txt'"):
        World.generate(WorldConfig()).save(saved)
    assert contents(saved) == before


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "world").write_text("")
    with pytest.raises(DataError, match="must be a directory"):
        World.generate(WorldConfig()).save(tmp_path / "world")


def test_a_failed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(table: pa.Table, path: Path, **_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(storage.pq, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        World.generate(WorldConfig()).save(tmp_path / "world")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", FILES)
def test_missing_files_are_told(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(DataError, match=name) as caught:
        World.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_told(saved: Path, name: str) -> None:
    (saved / name).write_bytes(b"not what was saved")
    with pytest.raises(DataError, match=name):
        World.load(saved)


def _change(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    return table.set_column(
        table.schema.get_field_index(column), table.schema.field(column), pa.array(values, table.schema.field(column).type)
    )


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("entities.parquet", "name", "velmoquent"),
        ("entities.parquet", "unsafe", True),
        ("entities.parquet", "kind", "outcome"),
        ("entities.parquet", "hazard", "imaginary"),
        ("entities.parquet", "arm", "reversal"),
        ("edges.parquet", "source", [0, 1]),
        ("edges.parquet", "source", [1]),
        ("edges.parquet", "target", [10_000]),
        ("edges.parquet", "relation", "compound_outcome"),
        ("queries.parquet", "answers", [[0]]),
        ("queries.parquet", "split", "nowhere"),
    ],
)
def test_changed_content_is_told(saved: Path, name: str, column: str, value: object) -> None:
    pq.write_table(_change(pq.read_table(saved / name), column, 0, value), saved / name)
    with pytest.raises(DataError, match=r"must hold the files that were saved, unchanged\. Got .*, whose content differs\.$"):
        World.load(saved)


def test_other_columns_are_told(saved: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), saved / "entities.parquet")
    with pytest.raises(DataError, match=r"columns of entities.parquet must be id, kind, .* Got id\.$"):
        World.load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, r"format of world.json must be 1. Got 99"),
        ({"config": {"task": "two_hop"}}, "config in world.json must be a world configuration"),
        ({"config": None}, "config in world.json must be a world configuration"),
        ({"content_hash": "0" * 64}, "whose content differs"),
    ],
)
def test_documents_that_do_not_fit_are_told(saved: Path, change: dict[str, object], message: str) -> None:
    document = json.loads((saved / "world.json").read_text())
    (saved / "world.json").write_text(json.dumps({**document, **change}))
    with pytest.raises(DataError, match=message):
        World.load(saved)


def test_impossible_saved_configurations_are_told_in_one_line(saved: Path) -> None:
    document = json.loads((saved / "world.json").read_text())
    document["config"]["unsafe_fraction"] = 3
    (saved / "world.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"unsafe_fraction must be a float in \[0, 1\]") as caught:
        World.load(saved)
    assert "\n" not in str(caught.value)


def test_a_list_where_the_document_should_be_is_told(saved: Path) -> None:
    (saved / "world.json").write_text("[]")
    with pytest.raises(DataError, match="must hold format, content_hash and config"):
        World.load(saved)
