from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld import World, WorldConfig
from medsafetyworld.testing import world_configs, worlds

GOLDEN = {
    "two_hop": "3bf176c1f6eee91ee77c3ff49a48443ffb5370274066222a3f1d1ca1dd33fbc6",
    "single_hop": "7fcb39293906541dc3b16d315b61a34cc266d2e28360e017181131c7a3e45c3b",
}


@pytest.mark.parametrize("task", GOLDEN)
def test_worlds_are_the_same_on_every_machine(task: str) -> None:
    """A change of this hash changes every world: it belongs in the changelog and asks for a new format number."""
    assert World.generate(WorldConfig(task=task)).content_hash == GOLDEN[task]  # type: ignore[arg-type]


@settings(max_examples=20)
@given(worlds(), st.integers(0, 2**32))
def test_columns_are_read_only(world: World, place: int) -> None:
    columns = [world.names, world.unsafe, world.hazard, world.heldout, world.arm, world.composed, world.kind]
    columns += [world.single_edges, world.pair_edges, *(world.facts(relation) for relation in world.relations)]
    columns += [world.withheld(relation, "forward") for relation in world.relations]
    for column in columns:
        if column.size:
            with pytest.raises(ValueError, match="read-only"):
                column.flat[place % column.size] = column.flat[0]


@given(world_configs())
def test_the_hash_follows_the_content(config: WorldConfig) -> None:
    world = World.generate(config)
    assert World.generate(config) == world
    assert hash(World.generate(config)) == hash(world)
    other = World.generate(replace(config, seed=(config.seed + 1) % 2**63))
    assert other.content_hash != world.content_hash
    assert other != world
    assert world != "a world"


def test_every_column_counts_in_the_hash() -> None:
    world = World.generate(WorldConfig())
    hashes = {world.content_hash}
    for name in ("names", "unsafe", "hazard", "heldout", "arm", "composed", "single_edges", "pair_edges"):
        column = getattr(world, name).copy()
        place = world.outcomes.start if column.ndim == 1 else 0
        column[place] = ~column[place] if column.dtype == bool else "another" if column.dtype == object else 5
        hashes.add(replace(world, **{name: column}).content_hash)
    assert len(hashes) == 9


@given(worlds())
def test_facts_are_slot_aligned(world: World) -> None:
    kinds = {"a": 0, "b": 1, "c": 2}
    for relation in world.relations:
        facts = world.facts(relation)
        assert facts.shape[1] == len(world.slots)
        assert facts.dtype == np.int32
        for slot, column in zip(world.slots, facts.T, strict=True):
            used = column[column >= 0]
            assert len(used) in (0, len(column))
            assert (world.kind[used] == kinds[slot[0]]).all()
        if facts.size:
            assert world.is_whole_chain(relation) == (facts[0, 0] >= 0 and facts[0, -1] >= 0)
    assert {relation for relation in world.relations if world.is_whole_chain(relation)} == set(world.whole_chain_relations)


def test_ids_run_through_compounds_mediators_outcomes() -> None:
    world = World.generate(WorldConfig(compounds=5, mediators=4, outcomes=3))
    assert (world.compounds, world.mediators, world.outcomes) == (range(5), range(5, 9), range(9, 12))
    assert world.kind.tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert repr(world) == f"World(two_hop, 12 entities, hash {world.content_hash[:12]})"


def test_importing_the_room_imports_neither_torch_nor_file_formats() -> None:
    program = "import sys, medsafetyworld.world; print(sorted({'torch', 'pyarrow', 'networkx', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"
