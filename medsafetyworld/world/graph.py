"""Causal graphs, sampled whole as arrays. Ids here count within a kind, from 0.

Construction follows "Beyond Safe Data: Pretraining-Stage Alignment with Regular Safety Reflection" (arXiv 2606.19168).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.world.config import WorldConfig
from medsafetyworld.world.limits import pair_edges, single_edges
from medsafetyworld.world.random import integers, key_of, permutation, scatter


def draw_edges(config: WorldConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return single edges (F, 2) as (cause, effect), and pair edges (G, 3) as (cause, cause, effect) with the smaller id first.

    single_hop: both lead from compounds to outcomes. two_hop: single edges lead from compounds to mediators and pair edges
    from mediators to outcomes. Rows are distinct; single edges are sorted by cause, pair edges by effect.
    """
    if config.task == "two_hop":
        singles = _one_mediator_each(config)
        pairs = draw_pairs(key_of(config.seed, "pairs"), config.mediators, pair_edges(config))
        effects = _every_outcome_first(config, len(pairs))
    else:
        singles = _distinct_single_edges(config)
        pairs = draw_pairs(key_of(config.seed, "pairs"), config.compounds, pair_edges(config))
        effects = integers(key_of(config.seed, "pair outcomes"), config.outcomes, len(pairs))
    joined = np.column_stack([pairs, effects])
    return singles, joined[np.lexsort((joined[:, 1], joined[:, 0], joined[:, 2]))]


def draw_pairs(key: np.uint64, members: int, count: int) -> NDArray[np.int64]:
    """Draw `count` distinct unordered pairs of 0..members-1; returns (count, 2) with the smaller member first."""
    rank = scatter(key, np.arange(count), members * (members - 1) // 2)
    # Pair (low, high) has rank high * (high - 1) / 2 + low; the root is exact to one, and corrected.
    high = ((1 + np.sqrt(8.0 * rank + 1)) / 2).astype(np.int64)
    high -= high * (high - 1) // 2 > rank
    high += (high + 1) * high // 2 <= rank
    return np.column_stack([rank - high * (high - 1) // 2, high])


def join_chains(singles: NDArray[np.int32], pairs: NDArray[np.int32]) -> NDArray[np.int32]:
    """Join compound-mediator edges (F, 2) with mediator-pair edges (G, 3): every compound of b1 with every compound of b2.

    Returns (chains, 5) rows (a1, a2, b1, b2, c) in the order of `pairs`.
    """
    compounds = singles[np.argsort(singles[:, 1], kind="stable"), 0]
    counts = np.bincount(singles[:, 1], minlength=int(pairs[:, :2].max(initial=-1)) + 1)
    starts = np.cumsum(counts) - counts
    b1, b2 = pairs[:, 0], pairs[:, 1]
    sizes = counts[b1] * counts[b2]
    row = np.repeat(np.arange(len(pairs)), sizes)
    within = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    width = counts[b2][row]
    chains = np.empty((len(row), 5), dtype=np.int32)
    chains[:, 0] = compounds[starts[b1][row] + within // width]
    chains[:, 1] = compounds[starts[b2][row] + within % width]
    chains[:, 2:] = pairs[row]
    return chains


def _one_mediator_each(config: WorldConfig) -> NDArray[np.int64]:
    """Each mediator gets a distinct compound, the remaining compounds a random mediator."""
    order = permutation(key_of(config.seed, "compounds"), config.compounds)
    mediator = np.empty(config.compounds, dtype=np.int64)
    mediator[order[: config.mediators]] = np.arange(config.mediators)
    rest = config.compounds - config.mediators
    mediator[order[config.mediators :]] = integers(key_of(config.seed, "mediators"), config.mediators, rest)
    return np.column_stack([np.arange(config.compounds), mediator])


def _every_outcome_first(config: WorldConfig, pairs: int) -> NDArray[np.int64]:
    """Each outcome gets a distinct pair, the remaining pairs a random outcome. Pairs come in random order already."""
    rest = integers(key_of(config.seed, "pair outcomes"), config.outcomes, pairs - config.outcomes)
    return np.concatenate([np.arange(config.outcomes), rest])


def _distinct_single_edges(config: WorldConfig) -> NDArray[np.int64]:
    """Each compound gets a random outcome, each outcome still alone a random compound; then random distinct edges."""
    compounds, outcomes = config.compounds, config.outcomes
    effect = integers(key_of(config.seed, "first outcomes"), outcomes, compounds)
    alone = np.setdiff1d(np.arange(outcomes), effect)
    cause = integers(key_of(config.seed, "first compounds"), compounds, len(alone))
    taken = np.concatenate([np.arange(compounds) * outcomes + effect, cause * outcomes + alone])
    total = single_edges(config)
    # Among the first `total` of a random order of all edges, at least `total - len(taken)` are not taken.
    others = scatter(key_of(config.seed, "further edges"), np.arange(total), compounds * outcomes)
    others = others[~np.isin(others, taken)][: total - len(taken)]
    edges = np.sort(np.concatenate([taken, others]))
    return np.column_stack([edges // outcomes, edges % outcomes])
