"""Causal graphs, sampled whole as arrays. Ids here count within a kind, from 0.

Construction follows "Beyond Safe Data: Pretraining-Stage Alignment with Regular Safety Reflection" (arXiv 2606.19168). Deeper worlds use
the same rule from layer to layer: each effect gets a distinct cause, the remaining causes a random effect. Mediator layers are of equal
size, so there it is a random bijection, and the number of whole chains does not depend on the hops.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.world.config import WorldConfig
from medsafetyworld.world.limits import pair_edges, single_edges
from medsafetyworld.world.random import integers, key_of, permutation, scatter
from medsafetyworld.world.schema import resolve_hops


def draw_edges(config: WorldConfig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return single edges (F, 2) as (cause, effect), and pair edges (G, 3) as (cause, cause, effect) with the smaller id first.

    single_hop: both lead from compounds to outcomes. two_hop: single edges lead from compounds to the first layer of mediators and pair
    edges from the last layer to outcomes. Rows are distinct; single edges are sorted by cause, pair edges by effect.
    """
    if config.task == "two_hop":
        singles = _one_effect_each(config.seed, "compounds", "mediators", config.compounds, config.mediators)
        pairs = draw_pairs(key_of(config.seed, "pairs"), config.mediators, pair_edges(config))
        effects = _every_outcome_first(config, len(pairs))
    else:
        singles = _distinct_single_edges(config)
        pairs = draw_pairs(key_of(config.seed, "pairs"), config.compounds, pair_edges(config))
        effects = integers(key_of(config.seed, "pair outcomes"), config.outcomes, len(pairs))
    joined = np.column_stack([pairs, effects])
    return singles, joined[np.lexsort((joined[:, 1], joined[:, 0], joined[:, 2]))]


def draw_mediator_edges(config: WorldConfig) -> NDArray[np.int64]:
    """Return edges (F, 2) as (cause, effect) between adjacent mediator layers, layer by layer; mediators count through all layers."""
    layers = resolve_hops(config.task, config.hops) - 1
    edges = [np.empty((0, 2), dtype=np.int64)]
    for layer in range(1, layers):
        purpose = f"mediator layer {layer + 1}"
        drawn = _one_effect_each(config.seed, f"{purpose} causes", f"{purpose} effects", config.mediators, config.mediators)
        edges.append(drawn + config.mediators * np.array([layer - 1, layer]))
    return np.concatenate(edges)


def draw_pairs(key: np.uint64, members: int, count: int) -> NDArray[np.int64]:
    """Draw `count` distinct unordered pairs of 0..members-1; returns (count, 2) with the smaller member first."""
    rank = scatter(key, np.arange(count), members * (members - 1) // 2)
    # Pair (low, high) has rank high * (high - 1) / 2 + low; the root is exact to one, and corrected.
    high = ((1 + np.sqrt(8.0 * rank + 1)) / 2).astype(np.int64)
    high -= high * (high - 1) // 2 > rank
    high += (high + 1) * high // 2 <= rank
    return np.column_stack([rank - high * (high - 1) // 2, high])


def trace_pairs(mediator_edges: NDArray[np.int32], pairs: NDArray[np.int32], layers: int) -> NDArray[np.int32]:
    """Follow mediator pairs of the last layer, the first two columns of `pairs` (G, 3), back through all layers.

    Returns (G, 2 x layers) rows (b1, b2, d1, d2, ...), first layer first, for `mediator_edges` (F, 2) that are bijections between layers.
    """
    cause = np.empty(int(mediator_edges.max(initial=-1)) + 1, dtype=np.int32)
    cause[mediator_edges[:, 1]] = mediator_edges[:, 0]
    traced = [pairs[:, :2]]
    for _ in range(layers - 1):
        traced.append(cause[traced[-1]])
    return np.concatenate(traced[::-1], axis=1)


def join_chains(singles: NDArray[np.int32], traced: NDArray[np.int32], effects: NDArray[np.int32]) -> NDArray[np.int32]:
    """Join compound-mediator edges (F, 2) with traced mediator pairs (G, 2 x layers): every compound of b1 with every compound of b2.

    Returns (chains, 2 x layers + 3) rows (a1, a2, b1, b2, ..., c) in the order of `traced`, c from `effects` (G,).
    """
    compounds = singles[np.argsort(singles[:, 1], kind="stable"), 0]
    counts = np.bincount(singles[:, 1], minlength=int(traced[:, :2].max(initial=-1)) + 1)
    starts = np.cumsum(counts) - counts
    b1, b2 = traced[:, 0], traced[:, 1]
    sizes = counts[b1] * counts[b2]
    row = np.repeat(np.arange(len(traced)), sizes)
    within = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    width = counts[b2][row]
    chains = np.empty((len(row), traced.shape[1] + 3), dtype=np.int32)
    chains[:, 0] = compounds[starts[b1][row] + within // width]
    chains[:, 1] = compounds[starts[b2][row] + within % width]
    chains[:, 2:-1] = traced[row]
    chains[:, -1] = effects[row]
    return chains


def _one_effect_each(seed: int, order_purpose: str, rest_purpose: str, causes: int, effects: int) -> NDArray[np.int64]:
    """Return edges (causes, 2): each effect gets a distinct cause, the remaining causes a random effect."""
    order = permutation(key_of(seed, order_purpose), causes)
    effect = np.empty(causes, dtype=np.int64)
    effect[order[:effects]] = np.arange(effects)
    effect[order[effects:]] = integers(key_of(seed, rest_purpose), effects, causes - effects)
    return np.column_stack([np.arange(causes), effect])


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
