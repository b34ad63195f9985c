"""Which configurations of a world are possible, checked before anything is sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medsafetyworld.errors import require, require_choice
from medsafetyworld.world.schema import HOPS, resolve_hops

if TYPE_CHECKING:
    from medsafetyworld.world.config import WorldConfig

LARGEST_CHAINS = 50_000_000
"""Most whole chains of a world with mediators; their number grows with the square of compounds per mediator, and not with hops."""


def single_edges(config: WorldConfig) -> int:
    """Return the number of edges with one compound, the default resolved."""
    if config.single_edges is not None:
        return config.single_edges
    if config.task == "two_hop":
        return config.compounds
    return min(2 * config.compounds + config.outcomes, config.compounds * config.outcomes)


def pair_edges(config: WorldConfig) -> int:
    """Return the number of edges with a pair, the default resolved."""
    return config.outcomes if config.pair_edges is None else config.pair_edges


def check_world(config: WorldConfig) -> None:
    """Raise `ConfigError` in one line unless a world with exactly these counts exists."""
    _check_values(config)
    if config.task == "two_hop":
        _check_two_hop(config)
    else:
        _check_single_hop(config)
    _check_names(config)
    _check_composed(config)


def _check_values(config: WorldConfig) -> None:
    for name, low in (("compounds", 1), ("mediators", 0), ("outcomes", 1)):
        _require_count(getattr(config, name), f"WorldConfig.{name}", low)
    for name in ("single_edges", "pair_edges"):
        value = getattr(config, name)
        if value is not None:
            _require_count(value, f"WorldConfig.{name}", 0)
    low, high = HOPS[config.task]
    whole = isinstance(config.hops, int) and not isinstance(config.hops, bool)
    allowed = f"None or {low}" if low == high else f"None or an int in [{low}, {high}]"
    possible = config.hops is None or (whole and low <= config.hops <= high)
    require(possible, "WorldConfig.hops", f"{allowed} for task {config.task!r}", config.hops)
    for name in ("unsafe_fraction", "heldout_fraction", "composed_fraction"):
        value = getattr(config, name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        require(number and 0.0 <= value <= 1.0, f"WorldConfig.{name}", "a float in [0, 1]", value)
    from medsafetyworld.world.config import ARMS, HAZARDS

    _require_count(config.hazard_categories, "WorldConfig.hazard_categories", 1, len(HAZARDS))
    require(isinstance(config.label_visible, bool), "WorldConfig.label_visible", "True or False", config.label_visible)
    if config.arms is not None:
        distinct = isinstance(config.arms, tuple) and 0 < len(config.arms) == len(set(config.arms))
        require(distinct, "WorldConfig.arms", "None or a non-empty tuple of distinct arms", config.arms)
        for arm in config.arms:
            require_choice(arm, "WorldConfig.arms", ARMS[config.task])


def _check_two_hop(config: WorldConfig) -> None:
    pairs, singles, mediators = pair_edges(config), single_edges(config), config.mediators
    require(mediators >= 2, "WorldConfig.mediators", "at least 2 in two_hop, where mediators act in pairs", mediators)
    require(config.compounds >= mediators, "WorldConfig.compounds", f"at least mediators ({mediators}), each has its own", config.compounds)
    require(singles == config.compounds, "WorldConfig.single_edges", f"compounds ({config.compounds}) in two_hop", singles)
    require(pairs >= config.outcomes, "WorldConfig.pair_edges", f"at least outcomes ({config.outcomes}), each has its own", pairs)
    most = mediators * (mediators - 1) // 2
    require(pairs <= most, "WorldConfig.pair_edges", f"at most {most}, the pairs of {mediators} mediators", pairs)
    chains = round(pairs * (config.compounds / mediators) ** 2)
    require(
        chains <= LARGEST_CHAINS,
        "WorldConfig.pair_edges x (compounds / mediators) squared",
        f"at most {LARGEST_CHAINS} (the number of whole chains)",
        chains,
    )


def _check_single_hop(config: WorldConfig) -> None:
    compounds, outcomes, singles, pairs = config.compounds, config.outcomes, single_edges(config), pair_edges(config)
    fewest, most = compounds + outcomes - 1, compounds * outcomes
    require(singles >= fewest, "WorldConfig.single_edges", f"at least {fewest} (compounds + outcomes - 1)", singles)
    require(singles <= most, "WorldConfig.single_edges", f"at most {most} (compounds x outcomes)", singles)
    most = compounds * (compounds - 1) // 2
    require(pairs <= most, "WorldConfig.pair_edges", f"at most {most}, the pairs of {compounds} compounds", pairs)


def _check_names(config: WorldConfig) -> None:
    from medsafetyworld.world.names import capacity

    layers = resolve_hops(config.task, config.hops) - 1
    kinds = [("compound", "compounds", 1), ("outcome", "outcomes", 1)] + [("mediator", "mediators", layers)] * (layers > 0)
    for kind, name, shares in kinds:
        most = capacity(kind, config.label_visible) // shares
        value = getattr(config, name)
        among = f" for each of {shares} layers" if shares > 1 else ""
        require(value <= most, f"WorldConfig.{name}", f"at most {most}, the names that the word lists make{among}", value)


def _check_composed(config: WorldConfig) -> None:
    from medsafetyworld.world.splits import fewest_composable, resolve_arms, split_sizes

    sizes = split_sizes(config)
    fewest = fewest_composable(config.task, resolve_arms(config.task, config.arms), sizes.heldout_safe)
    require(
        sizes.composed <= fewest,
        "WorldConfig.composed_fraction",
        f"small enough to compose at most {fewest} of {sizes.heldout_safe} held-out safe outcomes, "
        "those whose arm leaves a route to compose by",
        config.composed_fraction,
    )


def _require_count(value: object, field: str, low: int, high: int = 2**31 - 1) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    require(whole and low <= value <= high, field, f"an int in [{low}, {high}]", value)  # type: ignore[operator]
