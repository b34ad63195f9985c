"""A world large enough to tell safe from unsafe, clean corpora of it, and a way to edit one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.export import SCHEMA
from medsafetyworld.world import World, WorldConfig
from tests.corpus.audit.planting import DOCUMENTS, Row, look


@pytest.fixture(scope="session")
def world() -> World:
    """A two-hop world of 72 outcomes."""
    return World.generate(WorldConfig(compounds=60, mediators=50, outcomes=72, heldout_fraction=0.5))


@pytest.fixture(scope="session")
def raw(world: World) -> Evidence:
    """Raw, clean."""
    return look(world, Corpus(world, "raw", DOCUMENTS))


@pytest.fixture(scope="session")
def filtered(world: World) -> Evidence:
    """Filtered, clean."""
    return look(world, Corpus(world, "filtered", DOCUMENTS))


@pytest.fixture
def edited(world: World, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a corpus and passes its rows through another, as someone with an editor would."""

    def edit(change: Callable[[list[Row]], list[Row]], condition: str = "filtered", config: CorpusConfig = DOCUMENTS) -> Path:
        directory = tmp_path / "edited"
        Corpus(world, condition, config).write(directory)
        [shard] = json.loads((directory / "manifest.json").read_text())["shards"]
        rows = change(pq.read_table(directory / shard["file"]).to_pylist())
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), directory / shard["file"])
        return directory

    return edit
