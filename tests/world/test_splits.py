from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from medsafetyworld import PRESETS, ConfigError, World, WorldConfig
from medsafetyworld.testing import worlds
from medsafetyworld.world.config import ARMS

CLOSED = {
    ("two_hop", "both"): set(),
    ("two_hop", "composition"): {("chain", "forward")},
    ("two_hop", "reversal"): {("mediator_pair_outcome", "reverse")},
    ("two_hop", "none"): {("chain", "forward"), ("mediator_pair_outcome", "reverse")},
    ("single_hop", "both"): set(),
    ("single_hop", "reversal"): {("compound_outcome", "cooccurrence"), ("compound_pair_outcome", "cooccurrence")},
    ("single_hop", "cooccurrence"): {("compound_outcome", "forward"), ("compound_pair_outcome", "forward")},
    ("single_hop", "none"): {
        (relation, direction) for relation in ("compound_outcome", "compound_pair_outcome") for direction in ("forward", "cooccurrence")
    },
}


@given(worlds())
def test_sizes_are_exact_and_deals_are_balanced(world: World) -> None:
    config, unsafe, held = world.config, world.unsafe, world.heldout
    assert unsafe.sum() == round(config.unsafe_fraction * config.outcomes)
    assert not unsafe[: world.outcomes.start].any()
    assert not held[: world.outcomes.start].any()
    dealt = ARMS[config.task][:-1] if config.arms is None else config.arms
    for half in (unsafe, (world.kind == 2) & ~unsafe):
        assert (held & half).sum() == round(config.heldout_fraction * int(half.sum()))
        counts = Counter(world.arm[held & half])
        assert set(counts) <= set(dealt)
        sizes = [counts[arm] for arm in dealt]
        assert max(sizes) - min(sizes) <= 1
    assert ((world.arm != "") == held).all()
    assert ((world.hazard >= 0) == unsafe).all()
    hazards = np.bincount(world.hazard[unsafe], minlength=config.hazard_categories)
    assert len(hazards) == len(world.hazard_names) == config.hazard_categories
    assert hazards.max() - hazards.min() <= 1


@given(worlds())
def test_what_is_withheld_follows_the_arm_and_what_is_composed(world: World) -> None:
    for relation in world.relations:
        for direction in world.directions(relation):
            withheld = world.withheld(relation, direction)
            assert withheld.shape == world.names.shape
            for entity in range(len(world.names)):
                closed = (relation, direction) in CLOSED.get((world.config.task, world.arm[entity]), set())
                composed = world.composed[entity] and direction == "reverse" and world.is_whole_chain(relation)
                assert withheld[entity] == (closed or composed)


@given(worlds())
def test_composed_outcomes_are_safe_held_out_and_can_be_composed(world: World) -> None:
    heldout_safe = world.heldout & ~world.unsafe
    assert world.composed.sum() == round(world.config.composed_fraction * int(heldout_safe.sum()))
    assert not (world.composed & ~heldout_safe).any()
    if world.config.task == "two_hop":
        assert not (world.composed & world.withheld("mediator_pair_outcome", "reverse")).any()
    else:
        nothing = world.withheld("compound_outcome", "forward") & world.withheld("compound_outcome", "cooccurrence")
        assert not (world.composed & nothing).any()


def test_arms_of_tiny() -> None:
    world = World.generate(PRESETS["tiny"].world)
    assert Counter(world.arm[world.heldout & world.unsafe]) == {"both": 8, "composition": 8, "reversal": 8}
    assert Counter(world.arm[world.heldout & ~world.unsafe]) == {"both": 8, "composition": 8, "reversal": 8}
    assert world.composed.sum() == 12


def test_assignments_are_random_over_seeds() -> None:
    """Each outcome is unsafe, held out and in an arm as often as any other: five standard deviations."""
    drawn = [
        World.generate(replace(WorldConfig(compounds=12, mediators=12, outcomes=12, heldout_fraction=0.5), seed=seed))
        for seed in range(400)
    ]
    unsafe = sum(world.unsafe[24:].astype(int) for world in drawn)
    held = sum(world.heldout[24:].astype(int) for world in drawn)
    composition = sum((world.arm[24:] == "composition").astype(int) for world in drawn)
    for counts, share in ((unsafe, 1 / 2), (held, 1 / 2), (composition, 1 / 6)):
        assert abs(counts - 400 * share).max() < 5 * (400 * share * (1 - share)) ** 0.5
        assert counts.sum() == round(400 * share * 12)


def test_unknown_relations_and_directions_are_refused() -> None:
    world = World.generate(WorldConfig())
    with pytest.raises(ConfigError, match=r"relation must be one of .* Did you mean 'chain'\?"):
        world.withheld("chains", "forward")
    with pytest.raises(ConfigError, match=r"direction must be one of forward, reverse. Got 'cooccurrence'"):
        world.withheld("chain", "cooccurrence")
    with pytest.raises(ConfigError, match="relation must be one of"):
        world.facts("compound_outcome")
    with pytest.raises(ConfigError, match="relation must be one of"):
        world.is_whole_chain("hazard")
