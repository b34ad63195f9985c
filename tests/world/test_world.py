from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld import World, WorldConfig
from medsafetyworld.testing import world_configs, worlds
from medsafetyworld.world.schema import BETWEEN_MEDIATORS

GOLDEN = {
    "two_hop": "3bf176c1f6eee91ee77c3ff49a48443ffb5370274066222a3f1d1ca1dd33fbc6",
    "single_hop": "7fcb39293906541dc3b16d315b61a34cc266d2e28360e017181131c7a3e45c3b",
    "three_hop": "2e7f5285dfaa1d8dbfa3c347025257e7afdf57c2e3207461549dc0ccbf1bf1b2",
    "five_hop": "8a1c3b79bbbb8a8e5373361deeeb7d15566ad93980e580f64ad50cfadf241765",
}
CONFIGS = {"two_hop": WorldConfig(), "single_hop": WorldConfig(task="single_hop")}
CONFIGS |= {"three_hop": WorldConfig(hops=3), "five_hop": WorldConfig(hops=5)}


@pytest.mark.parametrize("name", GOLDEN)
def test_worlds_are_the_same_on_every_machine(name: str) -> None:
    """A change of this hash changes every world: it belongs in the changelog and asks for a new format number."""
    assert World.generate(CONFIGS[name]).content_hash == GOLDEN[name]


@settings(max_examples=20)
@given(worlds(), st.integers(0, 2**32))
def test_columns_are_read_only(world: World, place: int) -> None:
    columns = [world.names, world.unsafe, world.hazard, world.heldout, world.arm, world.composed, world.kind]
    columns += [world.single_edges, world.pair_edges, world.mediator_edges, *(world.facts(relation) for relation in world.relations)]
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
    world = World.generate(WorldConfig(hops=3))
    hashes = {world.content_hash}
    for name in ("names", "unsafe", "hazard", "heldout", "arm", "composed", "single_edges", "pair_edges", "mediator_edges"):
        column = getattr(world, name).copy()
        place = world.outcomes.start if column.ndim == 1 else 0
        column[place] = ~column[place] if column.dtype == bool else "another" if column.dtype == object else 5
        hashes.add(replace(world, **{name: column}).content_hash)
    assert len(hashes) == 10


@given(worlds())
def test_facts_are_slot_aligned(world: World) -> None:
    layers = {"a": world.compounds, "c": world.outcomes} | dict(zip("bdef", world.mediator_layers, strict=False))
    for relation in world.relations:
        facts = world.facts(relation)
        assert facts.shape[1] == len(world.slots)
        assert facts.dtype == np.int32
        for slot, column in zip(world.slots, facts.T, strict=True):
            used = column[column >= 0]
            assert set(used.tolist()) <= set(layers[slot[0]])
            if relation not in BETWEEN_MEDIATORS:
                assert len(used) in (0, len(column))
        ends = {"compound": 1, "mediator": 1, "compound_pair": 2, "mediator_pair": 2, "outcome": 1, "chain": len(world.slots)}
        sizes = {sum(ends[end] for end in _ends(relation))}
        assert set((facts >= 0).sum(axis=1).tolist()) in (sizes, set())
        if facts.size:
            assert world.is_whole_chain(relation) == (facts[0, 0] >= 0 and facts[0, -1] >= 0)
    assert {relation for relation in world.relations if world.is_whole_chain(relation)} == set(world.whole_chain_relations)


def _ends(relation: str) -> list[str]:
    """Return what a relation joins: compound_pair_mediator_pair -> compound_pair, mediator_pair."""
    return re.findall("chain|outcome|(?:compound|mediator)(?:_pair)?", relation)


@given(worlds())
def test_every_link_of_a_chain_is_a_fact_of_each_local_relation(world: World) -> None:
    """A chain read slot by slot: what it says of two adjacent layers, the local relations say as well, and no more."""
    chains = world.facts("chain") if world.config.task == "two_hop" else np.empty((0, 3), dtype=np.int32)
    for first in range(0, chains.shape[1] - 3, 2):
        single, pair = ("compound_mediator", "compound_pair_mediator_pair") if first == 0 else BETWEEN_MEDIATORS
        ends = [first, first + 2]
        links = {tuple(row) for member in (0, 1) for row in chains[:, [end + member for end in ends]].tolist()}
        assert links <= {tuple(row) for row in world.facts(single)[:, ends].tolist()}
        pairs = world.facts(pair)[:, first : first + 4]
        assert {tuple(row) for row in pairs[(pairs >= 0).all(axis=1)].tolist()} == {
            tuple(row) for row in chains[:, first : first + 4].tolist()
        }


def test_ids_of_deeper_worlds_run_through_the_layers() -> None:
    world = World.generate(WorldConfig(hops=4, compounds=6, mediators=4, outcomes=3))
    assert world.hops == 4
    assert world.slots == ("a1", "a2", "b1", "b2", "d1", "d2", "e1", "e2", "c")
    assert world.relations == (
        "compound_mediator",
        "compound_pair_mediator_pair",
        "mediator_mediator",
        "mediator_pair_mediator_pair",
        "mediator_pair_outcome",
        "chain",
    )
    assert world.mediator_layers == (range(6, 10), range(10, 14), range(14, 18))
    assert (world.mediators, world.outcomes) == (range(6, 18), range(18, 21))
    assert len(set(world.names.tolist())) == 21
    assert repr(world).startswith("World(two_hop, 4 hops, 21 entities")


def test_ids_run_through_compounds_mediators_outcomes() -> None:
    world = World.generate(WorldConfig(compounds=5, mediators=4, outcomes=3))
    assert (world.compounds, world.mediators, world.outcomes) == (range(5), range(5, 9), range(9, 12))
    assert world.kind.tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert repr(world) == f"World(two_hop, 2 hops, 12 entities, hash {world.content_hash[:12]})"


def test_importing_the_room_imports_neither_torch_nor_file_formats() -> None:
    program = "import sys, medsafetyworld.world; print(sorted({'torch', 'pyarrow', 'networkx', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"
