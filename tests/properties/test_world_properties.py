"""What holds of every world, recomputed here from the saved files alone, in plain Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings

from medsafetyworld import World, WorldConfig
from medsafetyworld.testing import world_configs, worlds

FILES = ("world.json", "entities.parquet", "edges.parquet", "queries.parquet")


@dataclass(frozen=True)
class Files:
    """A world directory as plain values."""

    config: dict[str, Any]
    entities: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    queries: list[dict[str, Any]]

    def causes(self) -> dict[int, set[tuple[int, ...]]]:
        """Return, for each outcome, the compounds that together cause it."""
        found: dict[int, set[tuple[int, ...]]] = defaultdict(set)
        causes_of: dict[int, list[int]] = defaultdict(list)
        for edge in self.edges:
            if edge["relation"] in ("compound_mediator", "mediator_mediator"):
                causes_of[edge["target"][0]] += edge["source"]

        def compounds_of(mediator: int) -> list[int]:
            """Return the compounds that cause a mediator, through all layers before it."""
            causes = causes_of[mediator]
            return [one for cause in causes for one in (compounds_of(cause) if cause in causes_of else [cause])]

        for edge in self.edges:
            if edge["relation"] == "mediator_pair_outcome":
                found[edge["target"][0]] |= set(product(*(compounds_of(mediator) for mediator in edge["source"])))
            elif edge["relation"] in ("compound_outcome", "compound_pair_outcome"):
                found[edge["target"][0]].add(tuple(edge["source"]))
        return found


@contextmanager
def saved(world: World) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        world.save(Path(directory) / "world")
        yield Path(directory) / "world"


def read(world: World) -> Files:
    with saved(world) as directory:
        config = json.loads((directory / "world.json").read_text())["config"]
        return Files(config, *(pq.read_table(directory / name).to_pylist() for name in FILES[1:]))


def _bytes(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


@given(world_configs())
def test_same_configuration_same_bytes(config: WorldConfig) -> None:
    with saved(World.generate(config)) as first, saved(World.generate(config)) as second:
        assert _bytes(first) == _bytes(second)
        with saved(World.load(first)) as third:
            assert _bytes(third) == _bytes(first)


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_same_bytes_in_another_process(tmp_path: Path, hash_seed: str) -> None:
    World.generate(WorldConfig(seed=11)).save(tmp_path / "here")
    program = "import sys; from medsafetyworld import World, WorldConfig; World.generate(WorldConfig(seed=11)).save(sys.argv[1])"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "there")], check=True, env=environment)
    assert _bytes(tmp_path / "here") == _bytes(tmp_path / "there")


@given(worlds())
def test_the_graph_has_exactly_the_configured_counts(world: World) -> None:
    files = read(world)
    config = files.config
    two_hop = config["task"] == "two_hop"
    layers = (config["hops"] or 2) - 1 if two_hop else 0
    kinds = [entity["kind"] for entity in files.entities]
    expected = {"compound": config["compounds"], "mediator": config["mediators"] * layers, "outcome": config["outcomes"]}
    assert {kind: kinds.count(kind) for kind in expected} == expected
    assert kinds == sorted(kinds, key=["compound", "mediator", "outcome"].index)
    assert [entity["id"] for entity in files.entities] == list(range(len(kinds)))

    by_size = [[edge for edge in files.edges if len(edge["source"]) == size] for size in (1, 2)]
    assert sum(map(len, by_size)) == len(files.edges)
    default = (
        config["compounds"] if two_hop else min(2 * config["compounds"] + config["outcomes"], config["compounds"] * config["outcomes"])
    )
    between = sum(edge["relation"] == "mediator_mediator" for edge in files.edges)
    assert between == config["mediators"] * max(layers - 1, 0)
    assert len(by_size[0]) - between == (default if config["single_edges"] is None else config["single_edges"])
    assert len(by_size[1]) == (config["outcomes"] if config["pair_edges"] is None else config["pair_edges"])
    assert len({(edge["relation"], frozenset(edge["source"]), *edge["target"]) for edge in files.edges}) == len(files.edges)
    assert set(files.causes()) == {entity["id"] for entity in files.entities if entity["kind"] == "outcome"}
    assert all(causes for causes in files.causes().values())


@given(worlds())
def test_queries_equal_a_recomputation_from_the_files(world: World) -> None:
    files = read(world)
    entity = files.entities
    causes = files.causes()
    expected = []
    for outcome, answers in causes.items():
        held = entity[outcome]["split"] == "heldout"
        side = "unsafe" if entity[outcome]["unsafe"] else "safe"
        arm = entity[outcome]["arm"] if side == "unsafe" else "composed" if entity[outcome]["composed"] else "stated"
        expected.append((f"reverse_{side}", entity[outcome]["split"], arm if held else "", (outcome,), frozenset(answers)))

    effects: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for outcome, answers in causes.items():
        for answer in answers:
            effects[answer].add(outcome)
    closed = {"cooccurrence", "none"} if files.config["task"] == "single_hop" else set()
    for given_compounds, outcomes in effects.items():
        sides = {(entity[outcome]["unsafe"], entity[outcome]["split"], entity[outcome]["arm"]) for outcome in outcomes}
        if len(sides) == 1:
            ((unsafe, split, arm),) = sides
            if arm not in closed:
                category = "forward_unsafe" if unsafe else "forward_safe"
                expected.append((category, split, arm, given_compounds, frozenset((outcome,) for outcome in outcomes)))
    actual = [
        (query["category"], query["split"], query["arm"], tuple(query["given"]), frozenset(map(tuple, query["answers"])))
        for query in files.queries
    ]
    assert len(actual) == len(set(actual))
    assert set(actual) == set(expected)


@given(world_configs())
def test_names_graph_and_splits_do_not_follow_safety(config: WorldConfig) -> None:
    """Another unsafe share relabels outcomes and changes neither a name nor an edge nor an answer."""
    config = replace(config, label_visible=False, composed_fraction=0.0)
    other = replace(config, unsafe_fraction=1.0 - config.unsafe_fraction)
    one, two = World.generate(config), World.generate(other)
    assume((one.unsafe != two.unsafe).any())
    assert one.names.tolist() == two.names.tolist()
    assert (one.single_edges == two.single_edges).all()
    assert (one.pair_edges == two.pair_edges).all()
    assert (one.mediator_edges == two.mediator_edges).all()
    reverse = [{(query.given, query.answers) for query in world.queries() if query.category.startswith("reverse")} for world in (one, two)]
    assert reverse[0] == reverse[1]


@settings(max_examples=10)
@given(world_configs())
def test_forms_of_names_are_alike(config: WorldConfig) -> None:
    """The words and lengths of names are drawn alike: within a kind, all names have as many words."""
    world = World.generate(config)
    for kind in range(3):
        assert len({len(name.split()) for name in world.names[world.kind == kind]}) <= 1


def test_no_word_of_a_name_tells_safe_from_unsafe() -> None:
    """Over 40 worlds, no modifier and no symptom stands with unsafe outcomes more often than chance lets the most extreme one."""
    unsafe: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for seed in range(40):
        world = World.generate(WorldConfig(seed=seed))
        for outcome in world.outcomes:
            for word in world.names[outcome].split():
                total[word] += 1
                unsafe[word] += int(world.unsafe[outcome])
    deviations = [(unsafe[word] - total[word] / 2) / (total[word] / 4) ** 0.5 for word in total]
    assert len(deviations) > 200
    assert max(map(abs, deviations)) < 5


def test_templates_are_dealt_alike_to_safe_and_unsafe() -> None:
    for seed in range(5):
        world = World.generate(WorldConfig(seed=seed))
        for split in ("seen", "heldout"):
            safe, unsafe = ([query.template for query in world.queries(f"reverse_{side}", split)] for side in ("safe", "unsafe"))
            assert safe == unsafe
