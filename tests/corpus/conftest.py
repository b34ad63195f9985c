"""Small worlds of both tasks and of three hops, shared by the tests of corpora."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medsafetyworld.world import World, WorldConfig
from medsafetyworld.world.config import ARMS, TASKS

_SIZES = WorldConfig(compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5, composed_fraction=0.3)
CONFIGS = {task: replace(_SIZES, task=task, arms=ARMS[task]) for task in TASKS}
CONFIGS["three_hop"] = replace(CONFIGS["two_hop"], hops=3, compounds=18, mediators=14, outcomes=16)


@pytest.fixture(scope="session")
def worlds() -> dict[str, World]:
    """One world a task, and one of three hops, with held-out outcomes in every arm."""
    return {task: World.generate(config) for task, config in CONFIGS.items()}


@pytest.fixture(params=sorted(CONFIGS))
def world(request: pytest.FixtureRequest, worlds: dict[str, World]) -> World:
    """Each of the worlds."""
    return worlds[request.param]


@pytest.fixture
def two_hop(worlds: dict[str, World]) -> World:
    """The two-hop world."""
    return worlds["two_hop"]


@pytest.fixture
def three_hop(worlds: dict[str, World]) -> World:
    """The world of three hops."""
    return worlds["three_hop"]


@pytest.fixture
def single_hop(worlds: dict[str, World]) -> World:
    """The single-hop world."""
    return worlds["single_hop"]
