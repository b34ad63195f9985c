"""Intervals and tests against scipy, statsmodels and the written-out definitions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from medsafetyworld.analysis.statistics import (
    bootstrap_difference,
    holm,
    mean_over_seeds,
    minimum_detectable_effect,
    newcombe,
    paired_t,
    proportion_over_seeds,
    sign_flip,
    wilson,
)

differences = st.lists(st.floats(-1, 1, allow_nan=False), min_size=2, max_size=8)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@example((0, 18))
@example((18, 18))
def test_wilson_agrees_with_statsmodels(case: tuple[int, int]) -> None:
    successes, n = case
    e = wilson(successes, n)
    assert (e.low, e.high) == pytest.approx(proportion_confint(successes, n, method="wilson"), abs=1e-12)
    assert e.low <= e.value <= e.high


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_newcombe_agrees_with_statsmodels(n: int, m: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    assert newcombe(a, n, b, m) == pytest.approx(confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb"), abs=1e-9)


@given(differences)
def test_paired_t_agrees_with_scipy(values: list[float]) -> None:
    if np.std(values) < 1e-6:
        return
    result = stats.ttest_1samp(values, 0.0)
    own = paired_t(values)
    assert own.p_value == pytest.approx(result.pvalue, abs=1e-9)
    interval = result.confidence_interval()
    assert (own.low, own.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_paired_t_says_why_it_is_undefined() -> None:
    single, same, none = paired_t([0.5]), paired_t([0.5, 0.5, 0.5]), paired_t([0.0, 0.0])
    assert single.p_value is None
    assert single.low is None
    assert "one seed" in str(single.reason)
    assert same.p_value is None
    assert same.difference == 0.5
    assert none.p_value == 1.0


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=8))
@example([0, 0, 0])
def test_sign_flip_lists_every_assignment(values: list[int]) -> None:
    sums = [abs(sum(s * v for s, v in zip(signs, values, strict=True))) for signs in product((1, -1), repeat=len(values))]
    assert sign_flip(values) == pytest.approx(np.mean([s >= abs(sum(values)) for s in sums]))


def test_sign_flip_counts_ties_that_rounding_parts() -> None:
    # 0.1 + 0.2 is not 0.3 in floating point, and the flipped sums are equal on paper.
    assert sign_flip([0.1, 0.2, -0.3]) == 1.0
    assert sign_flip([0.6, 0.7, 0.4, 0.8, 0.5, 0.6]) == 2 / 64
    assert sign_flip([]) is None
    assert sign_flip([1.0] * 21) is None


@given(st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=30))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_leaves_unknown_alone() -> None:
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]


@pytest.mark.parametrize(("spread", "seeds"), [(0.1, 6), (0.3, 3), (0.05, 12)])
def test_minimum_detectable_effect_has_the_power_it_promises(spread: float, seeds: int) -> None:
    effect = minimum_detectable_effect(spread, seeds)
    assert effect is not None
    assert TTestPower().power(effect / spread, seeds, 0.05, alternative="two-sided") == pytest.approx(0.8, abs=1e-6)


def test_minimum_detectable_effect_of_two_seeds_is_found_four_times_in_five() -> None:
    effect = minimum_detectable_effect(0.1, 2)
    assert effect is not None
    samples = np.random.default_rng(4).normal(effect, 0.1, size=(40_000, 2))
    found = stats.ttest_1samp(samples, 0.0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_minimum_detectable_effect_is_unknown_without_spread() -> None:
    assert minimum_detectable_effect(0.0, 6) is None
    assert minimum_detectable_effect(0.1, 1) is None


def test_proportion_over_seeds_is_t_wilson_or_unknown() -> None:
    rates = np.array([3, 5, 8]) / 10
    spread = proportion_over_seeds([3, 5, 8], [10, 10, 10])
    half = stats.t.ppf(0.975, 2) * rates.std(ddof=1) / np.sqrt(3)
    assert spread.method == "t_over_seeds"
    assert (spread.low, spread.high) == pytest.approx((max(0, rates.mean() - half), min(1, rates.mean() + half)))
    assert (spread.n, spread.seeds) == (30, 3)
    single = proportion_over_seeds([4], [10])
    assert single == wilson(4, 10)
    agreed = proportion_over_seeds([0, 0, 0], [8, 8, 8])
    assert agreed.method == "wilson_pooled"
    assert agreed.high == wilson(0, 24).high
    assert agreed.high > 0.1
    nothing = proportion_over_seeds([], [])
    assert nothing.value is None
    assert nothing.reason


def test_each_seed_weighs_the_same() -> None:
    assert proportion_over_seeds([1, 0], [1, 99]).value == 0.5


def test_one_seed_has_a_mean_and_no_interval() -> None:
    e = mean_over_seeds([0.7], 12)
    assert (e.value, e.low, e.high) == (0.7, None, None)
    assert e.reason


def test_bootstrap_is_a_function_of_its_generator() -> None:
    a = [np.array([1.0, 0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, 1.0])]
    b = [np.array([0.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])]
    first, second = (bootstrap_difference(a, b, paired=True, rng=np.random.default_rng(5)) for _ in range(2))
    assert first == second
    low, high = first
    assert low <= 0.5 <= high
    assert bootstrap_difference(a, a, paired=True, rng=np.random.default_rng(5)) == (0.0, 0.0)
    unpaired = bootstrap_difference(a, a, paired=False, rng=np.random.default_rng(5))
    assert unpaired[0] < 0 < unpaired[1]


def test_bootstrap_and_t_cover_a_known_difference() -> None:
    """Nominal 95% intervals over 6 seeds cover the true difference about as often as they say, though queries share a seed effect."""
    rng = np.random.default_rng(2)
    covered = {"t": 0, "bootstrap": 0}
    repeats = 200
    for _ in range(repeats):
        effects = rng.normal(0.3, 0.15, size=6)
        base = rng.uniform(0.1, 0.4, size=6)
        a = [(rng.random(24) < np.clip(p + e, 0, 1)).astype(float) for p, e in zip(base, effects, strict=True)]
        b = [(rng.random(24) < p).astype(float) for p in base]
        test = paired_t([x.mean() - y.mean() for x, y in zip(a, b, strict=True)])
        assert test.low is not None
        assert test.high is not None
        covered["t"] += test.low <= 0.3 <= test.high
        low, high = bootstrap_difference(a, b, paired=False, rng=rng, resamples=400)
        covered["bootstrap"] += low <= 0.3 <= high
    assert covered["t"] >= 0.9 * repeats
    assert covered["bootstrap"] >= 0.85 * repeats
