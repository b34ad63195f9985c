from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from medsafetyworld import PRESETS, ConfigError, World, WorldConfig
from medsafetyworld.testing import bad_world_configs, world_configs
from medsafetyworld.world.limits import pair_edges, single_edges
from medsafetyworld.world.names import capacity


@given(bad_world_configs())
def test_impossible_configurations_are_refused_in_one_line(kwargs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        WorldConfig(**kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("WorldConfig.")
    assert "Got " in message


@given(world_configs())
def test_what_is_accepted_can_be_built(config: WorldConfig) -> None:
    world = World.generate(config)
    assert len(world.single_edges) == single_edges(config)
    assert len(world.pair_edges) == pair_edges(config)
    assert len(world.mediator_edges) == len(world.mediators) - len(world.mediators[: config.mediators])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"unsafe_fraction": 1.5},
            "WorldConfig.unsafe_fraction must be a float in [0, 1]. Got 1.5.",
        ),
        (
            {"unsafe_fraction": float("nan")},
            "WorldConfig.unsafe_fraction must be a float in [0, 1]. Got nan.",
        ),
        (
            {"compounds": 5, "mediators": 6},
            "WorldConfig.compounds must be at least mediators (6), each has its own. Got 5.",
        ),
        (
            {"single_edges": 7},
            "WorldConfig.single_edges must be compounds (150) in two_hop. Got 7.",
        ),
        (
            {"mediators": 4, "pair_edges": 7, "outcomes": 2},
            "WorldConfig.pair_edges must be at most 6, the pairs of 4 mediators. Got 7.",
        ),
        (
            {"pair_edges": 149},
            "WorldConfig.pair_edges must be at least outcomes (150), each has its own. Got 149.",
        ),
        (
            {"task": "single_hop", "compounds": 3, "outcomes": 4, "single_edges": 5, "pair_edges": 0},
            "WorldConfig.single_edges must be at least 6 (compounds + outcomes - 1). Got 5.",
        ),
        (
            {"task": "single_hop", "compounds": 3, "outcomes": 4, "single_edges": 13, "pair_edges": 0},
            "WorldConfig.single_edges must be at most 12 (compounds x outcomes). Got 13.",
        ),
        (
            {"hops": 6},
            "WorldConfig.hops must be None or an int in [2, 5] for task 'two_hop'. Got 6.",
        ),
        (
            {"task": "single_hop", "hops": 3},
            "WorldConfig.hops must be None or 1 for task 'single_hop'. Got 3.",
        ),
        (
            {"hops": True},
            "WorldConfig.hops must be None or an int in [2, 5] for task 'two_hop'. Got True.",
        ),
        (
            {"hops": 5, "compounds": 10**6, "mediators": 10**6, "outcomes": 1_000},
            f"WorldConfig.mediators must be at most {capacity('mediator') // 4}, the names that the word lists make for each of 4 layers. "
            "Got 1000000.",
        ),
        (
            {"arms": ("compositoin",)},
            "WorldConfig.arms must be one of both, composition, reversal, none. Got 'compositoin'. Did you mean 'composition'?",
        ),
        (
            {"arms": ("reversal",)},
            "WorldConfig.composed_fraction must be small enough to compose at most 0 of 19 held-out safe outcomes, "
            "those whose arm leaves a route to compose by. Got 0.5.",
        ),
        (
            {"outcomes": 5_000_000, "mediators": 10_000, "compounds": 10_000},
            f"WorldConfig.outcomes must be at most {capacity('outcome')}, the names that the word lists make. Got 5000000.",
        ),
        (
            {"compounds": 1_000_000, "mediators": 200},
            "WorldConfig.pair_edges x (compounds / mediators) squared must be at most 50000000 "
            "(the number of whole chains). Got 3750000000.",
        ),
    ],
)
def test_messages_say_what_must_be_what(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WorldConfig(**kwargs)
    assert str(caught.value) == message


def test_tightest_counts_are_accepted() -> None:
    for hops in range(2, 6):
        assert len(World.generate(WorldConfig(hops=hops, compounds=2, mediators=2, outcomes=1)).facts("chain")) == 1
    World.generate(WorldConfig(task="single_hop", compounds=1, outcomes=1, pair_edges=0))
    full = World.generate(WorldConfig(task="single_hop", compounds=3, outcomes=4, single_edges=12, pair_edges=3))
    assert len({tuple(edge) for edge in full.single_edges.tolist()}) == 12


@pytest.mark.parametrize("name", PRESETS)
def test_presets_hold_at_least_eight_outcomes_an_arm_from_tiny_on(name: str) -> None:
    config = PRESETS[name].world
    unsafe = round(config.unsafe_fraction * config.outcomes)
    assert round(config.heldout_fraction * unsafe) // 3 >= (2 if name == "smoke" else 8)
