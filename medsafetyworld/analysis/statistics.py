"""Intervals and tests over few seeds: what may be said when a result is a handful of worlds.

A seed is a world and an initialisation together, so queries are nested in seeds and a claim about the method is a claim over seeds.
Everything here is a function of its arguments; resampling takes an explicit generator. An unknown is None with a reason, never 0.

    >>> wilson(0, 18).high
    0.1758819...
    >>> sign_flip([0.6, 0.7, 0.4, 0.8, 0.5, 0.6])
    0.03125
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

CONFIDENCE = 0.95
SIGN_FLIP_SEEDS = 20
"""Most seeds for which all sign assignments are listed (2**20)."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval. `value`, `low` and `high` are None where unknown, and `reason` then says why."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Observations (completions, segments) behind the value."""
    seeds: int
    method: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean paired difference over seeds, with a t interval where seeds differ in it."""

    difference: float
    low: float | None
    high: float | None
    p_value: float | None
    seeds: int
    reason: str | None = None


def unknown(reason: str, n: int = 0, seeds: int = 0) -> Estimate:
    """Return the estimate that knows nothing, and why."""
    return Estimate(None, None, None, n, seeds, "unknown", reason)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return a proportion with Wilson's score interval, as for completions of one model."""
    if n == 0:
        return unknown("no observations")
    low, high = _wilson_interval(successes, n, confidence)
    return Estimate(successes / n, low, high, n, 1, "wilson")


def mean_over_seeds(values: ArrayLike, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of one value a seed with its t interval; one seed has no interval.

    Args:
        values: (S,) one value a seed.
        n: observations behind all of them.
        confidence: coverage of the interval.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        return unknown("no seeds", n)
    mean = float(x.mean())
    if x.size == 1:
        return Estimate(mean, None, None, n, 1, "one_seed", "an interval over seeds needs 2 seeds")
    half = _t_half_width(x, confidence)
    return Estimate(mean, mean - half, mean + half, n, int(x.size), "t_over_seeds")


def proportion_over_seeds(successes: ArrayLike, totals: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean over seeds of a proportion, each seed weighing the same.

    With two or more seeds the interval is t over seeds, cut to [0, 1]. One seed has Wilson's binomial interval, which says nothing of
    other seeds. Seeds that all show the same proportion (often 0 or 1) would give a t interval of width 0; it is then Wilson's over the
    pooled observations (`wilson_pooled`), the least uncertainty that remains.

    Args:
        successes: (S,) successes of each seed.
        totals: (S,) observations of each seed, at least 1.
        confidence: coverage of the interval.
    """
    k = np.asarray(successes, dtype=np.int64)
    n = np.asarray(totals, dtype=np.int64)
    if k.size == 0:
        return unknown("no observations")
    total = int(n.sum())
    if k.size == 1:
        return wilson(int(k[0]), total, confidence)
    rates = k / n
    mean = float(rates.mean())
    if np.ptp(rates) == 0:
        pooled = wilson(int(k.sum()), total, confidence)
        return Estimate(mean, pooled.low, pooled.high, total, int(k.size), "wilson_pooled")
    half = _t_half_width(rates, confidence)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), total, int(k.size), "t_over_seeds")


def paired_t(differences: ArrayLike, confidence: float = CONFIDENCE) -> PairedDifference:
    """Return the mean of paired differences with the paired t interval and two-sided p value over seeds.

    The test is undefined for one seed, and for differences that are all equal and not 0; both are None with a reason.
    """
    d = np.asarray(differences, dtype=np.float64)
    mean = float(d.mean())
    if d.size == 1:
        return PairedDifference(mean, None, None, None, 1, "one seed: no test over seeds")
    if np.ptp(d) == 0:
        if mean == 0:
            return PairedDifference(mean, None, None, 1.0, int(d.size), "no seed shows a difference: no t interval")
        return PairedDifference(mean, None, None, None, int(d.size), "every seed shows the same difference: no t test")
    half = _t_half_width(d, confidence)
    t = mean / (d.std(ddof=1) / np.sqrt(d.size))
    p_value = float(2 * special.stdtr(d.size - 1, -abs(t)))
    return PairedDifference(mean, mean - half, mean + half, p_value, int(d.size))


def newcombe(a_successes: int, a_n: int, b_successes: int, b_n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval of a difference of two pooled proportions, a - b (Newcombe 1998, method 10; both n at least 1).

    It treats the sides as unpaired, which is wide where they are paired, and all observations as independent.
    """
    a, b = a_successes / a_n, b_successes / b_n
    a_low, a_high = _wilson_interval(a_successes, a_n, confidence)
    b_low, b_high = _wilson_interval(b_successes, b_n, confidence)
    low = a - b - float(np.hypot(a - a_low, b_high - b))
    high = a - b + float(np.hypot(a_high - a, b - b_low))
    return max(-1.0, low), min(1.0, high)


def sign_flip(differences: ArrayLike) -> float | None:
    """Return the exact two-sided p value of the sign-flip test on the mean of paired differences.

    Every one of the 2**S sign assignments is listed, so the smallest p is 2 / 2**S: 0.031 with 6 seeds. None with no difference at all
    to test (S = 0) or more than 20 seeds.
    """
    d = np.asarray(differences, dtype=np.float64)
    if d.size == 0 or d.size > SIGN_FLIP_SEEDS:
        return None
    sums = np.zeros(1)
    for value in d:
        sums = np.concatenate([sums + value, sums - value])
    observed = abs(float(d.sum()))
    # Sums that are equal on paper differ by rounding: the tolerance counts them as equal.
    return float(np.mean(np.abs(sums) >= observed - 1e-9 * max(1.0, observed)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's step-down adjusted p values; None stays None and is not counted."""
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[index] = largest
    return adjusted


def minimum_detectable_effect(standard_deviation: float, seeds: int, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the mean paired difference that a two-sided paired t test over `seeds` would find with probability `power`.

    Args:
        standard_deviation: of the paired differences over seeds; 0 gives None, since nothing bounds the effect from a spread of 0.
        seeds: number of pairs; fewer than 2 gives None.
        power: chance of finding the effect.
        alpha: level of the test.
    """
    if seeds < 2 or standard_deviation <= 0:
        return None
    critical = float(special.stdtrit(seeds - 1, 1 - alpha / 2))

    def shortfall(effect: float) -> float:
        shift = effect * float(np.sqrt(seeds))
        found = 1.0 - float(special.nctdtr(seeds - 1, shift, critical))
        # A find of the wrong sign: below 1e-8 beyond a shift of 5, where its computation is not reliable.
        wrong_way = float(special.nctdtr(seeds - 1, shift, -critical)) if shift < 5 else 0.0
        return found + wrong_way - power

    high = 1.0
    while shortfall(high) < 0:
        high *= 2
    return standard_deviation * float(optimize.brentq(shortfall, 0.0, high, xtol=1e-10))


def bootstrap_difference(
    a: Sequence[FloatArray],
    b: Sequence[FloatArray],
    *,
    paired: bool,
    rng: np.random.Generator,
    resamples: int = 2_000,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Return a percentile interval of the mean difference a - b that resamples seeds and, inside each drawn seed, queries.

    Args:
        a: for each seed, one value (0 or 1) a query.
        b: the same of the other side; with `paired`, `b[s][q]` belongs to the same query as `a[s][q]`.
        paired: draw the same queries on both sides.
        rng: source of the resamples.
        resamples: number of resamples.
        confidence: coverage of the interval.
    """
    seeds = len(a)
    means = np.empty((seeds, seeds, resamples))  # (drawn place, seed, resample): a seed drawn twice draws its queries twice
    for place in range(seeds):
        for seed in range(seeds):
            x, y = a[seed], b[seed]
            drawn = (
                _resampled_means(x - y, resamples, rng)
                if paired
                else _resampled_means(x, resamples, rng) - _resampled_means(y, resamples, rng)
            )
            means[place, seed] = drawn
    chosen = rng.integers(0, seeds, size=(seeds, resamples))
    places = np.arange(seeds)[:, None]
    totals = means[places, chosen, np.arange(resamples)[None, :]].mean(axis=0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(totals, [tail, 1 - tail])
    return float(low), float(high)


def _wilson_interval(successes: int, n: int, confidence: float) -> tuple[float, float]:
    z = float(special.ndtri(0.5 + confidence / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    # The ends are exactly 0 and 1 there, but for rounding.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def _resampled_means(values: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return (R,) means of resamples with replacement, through counts of the few distinct values."""
    distinct, counts = np.unique(values, return_counts=True)
    draws = rng.multinomial(values.size, counts / values.size, size=resamples)
    means: FloatArray = draws @ distinct / values.size
    return means


def _t_half_width(x: FloatArray, confidence: float) -> float:
    return float(special.stdtrit(x.size - 1, 0.5 + confidence / 2) * x.std(ddof=1) / np.sqrt(x.size))
