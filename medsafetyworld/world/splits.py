"""Which outcomes are unsafe, which are held out, and which routes to a held-out outcome stay open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.world.config import ARMS, WorldConfig
from medsafetyworld.world.random import key_of, permutation

SPLITS = ("seen", "heldout")

_COOCCURRENCE = (("compound_outcome", "cooccurrence"), ("compound_pair_outcome", "cooccurrence"))
_FORWARD = (("compound_outcome", "forward"), ("compound_pair_outcome", "forward"))
CLOSURES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "single_hop": {"both": (), "reversal": _COOCCURRENCE, "cooccurrence": _FORWARD, "none": _COOCCURRENCE + _FORWARD},
    "two_hop": {
        "both": (),
        "composition": (("chain", "forward"),),
        "reversal": (("mediator_pair_outcome", "reverse"),),
        "none": (("chain", "forward"), ("mediator_pair_outcome", "reverse")),
    },
}
"""For each arm, the (relation, direction) of the statements about its outcomes that no corpus holds."""
COMPOSABLE = {"single_hop": ("both", "reversal", "cooccurrence"), "two_hop": ("both", "composition")}
"""Arms whose safe outcomes can be answered without their whole-chain reverse statement."""


@dataclass(frozen=True, slots=True)
class SplitSizes:
    """How many outcomes fall in each split; fractions are rounded to the nearest whole number, halves to even."""

    unsafe: int
    heldout_unsafe: int
    heldout_safe: int
    composed: int


@dataclass(frozen=True, slots=True)
class Splits:
    """Columns over the outcomes, in id order, each of shape (outcomes,)."""

    unsafe: NDArray[np.bool_]
    hazard: NDArray[np.int8]
    heldout: NDArray[np.bool_]
    arm: NDArray[np.object_]
    composed: NDArray[np.bool_]


def resolve_arms(task: str, arms: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the arms that held-out outcomes are dealt, the default (all but the last, `none`) resolved."""
    return ARMS[task][:-1] if arms is None else arms


def split_sizes(config: WorldConfig) -> SplitSizes:
    """Return the exact sizes that a configuration asks for."""
    unsafe = round(config.unsafe_fraction * config.outcomes)
    heldout_safe = round(config.heldout_fraction * (config.outcomes - unsafe))
    return SplitSizes(unsafe, round(config.heldout_fraction * unsafe), heldout_safe, round(config.composed_fraction * heldout_safe))


def fewest_composable(task: str, arms: tuple[str, ...], heldout_safe: int) -> int:
    """Return the least number of `heldout_safe` outcomes that any balanced deal gives to arms that leave a route to compose by."""
    closed = sum(arm not in COMPOSABLE[task] for arm in arms)
    rounds, rest = divmod(heldout_safe, len(arms))
    return heldout_safe - rounds * closed - min(rest, closed)


def draw_splits(config: WorldConfig) -> Splits:
    """Draw safety, hazards, splits and arms. Safe and unsafe outcomes go through the same steps, so that none tells them apart."""
    count, sizes = config.outcomes, split_sizes(config)
    order = permutation(key_of(config.seed, "unsafe"), count)
    halves = {"unsafe": order[: sizes.unsafe], "safe": order[sizes.unsafe :]}

    unsafe, heldout, composed = (np.zeros(count, dtype=bool) for _ in range(3))
    hazard, arm = np.full(count, -1, dtype=np.int8), np.full(count, "", dtype=object)
    unsafe[halves["unsafe"]] = True
    hazard[halves["unsafe"]] = _deal(config, "hazard", sizes.unsafe, config.hazard_categories)
    names = np.array(resolve_arms(config.task, config.arms), dtype=object)
    for half, held in (("unsafe", sizes.heldout_unsafe), ("safe", sizes.heldout_safe)):
        members = halves[half]
        chosen = members[permutation(key_of(config.seed, "heldout", half), len(members))[:held]]
        heldout[chosen] = True
        arm[chosen] = names[_deal(config, f"arm {half}", held, len(names))]

    candidates = np.flatnonzero(heldout & ~unsafe & np.isin(arm, COMPOSABLE[config.task]))
    composed[candidates[permutation(key_of(config.seed, "composed"), len(candidates))[: sizes.composed]]] = True
    return Splits(unsafe, hazard, heldout, arm, composed)


def _deal(config: WorldConfig, purpose: str, count: int, hands: int) -> NDArray[np.int64]:
    """Deal `count` places to `hands`, balanced to within one; which hands get one more is drawn as well."""
    order = permutation(key_of(config.seed, purpose, "hands"), hands)
    return order[np.arange(count) % hands][permutation(key_of(config.seed, purpose, "places"), count)]
