from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from medsafetyworld.corpus.audit.separation import BOUND, Features, auroc, out_of_fold, separate

LABELS = np.arange(80) % 2 == 0


def features(values: np.ndarray, model: str = "linear") -> Features:
    columns = tuple(f"feature {number}" for number in range(values.shape[1]))
    return Features("some", "some features", values, np.arange(len(values)), columns, model)  # type: ignore[arg-type]


def test_auroc_is_mann_whitney_and_its_interval_is_delongs() -> None:
    rng = np.random.default_rng(1)
    scores = np.round(rng.normal(size=80) + LABELS, 1)  # with ties
    value, low, high = auroc(scores, LABELS, 0.95)
    expected = stats.mannwhitneyu(scores[LABELS], scores[~LABELS]).statistic / (40 * 40)
    assert value == pytest.approx(expected)
    above = (scores[LABELS][:, None] > scores[~LABELS]) + 0.5 * (scores[LABELS][:, None] == scores[~LABELS])
    error = np.sqrt(above.mean(axis=1).var(ddof=1) / 40 + above.mean(axis=0).var(ddof=1) / 40)
    assert (low, high) == pytest.approx((value - 1.959964 * error, value + 1.959964 * error))


def test_auroc_of_ties_is_a_half_and_of_separation_one() -> None:
    assert auroc(np.zeros(80), LABELS, 0.95) == (0.5, 0.5, 0.5)
    assert auroc(LABELS * 1.0, LABELS, 0.95)[0] == 1.0
    assert auroc(-1.0 * LABELS, LABELS, 0.95)[0] == 0.0


def test_delongs_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    truth = stats.norm.cdf(0.5 / np.sqrt(2))
    intervals = [auroc(rng.normal(size=150) + 0.5 * (np.arange(150) < 75), np.arange(150) < 75, 0.9) for _ in range(400)]
    assert 0.85 < np.mean([low <= truth <= high for _, low, high in intervals]) < 0.95
    assert np.mean([high - low for _, low, high in intervals]) / 2 == pytest.approx(1.645 * 0.045, abs=0.006)


@pytest.mark.parametrize("model", ["linear", "boosted"])
def test_a_feature_that_tells_is_found_and_named(model: str) -> None:
    values = np.random.default_rng(3).normal(size=(80, 5))
    values[:, 3] += 2 * LABELS
    [finding] = separate([features(values, model)], LABELS, 0)
    assert not finding.passed
    assert finding.statistic is not None
    assert finding.statistic > 0.85
    assert "'feature 3'" in finding.detail


@pytest.mark.parametrize("model", ["linear", "boosted"])
def test_noise_is_not(model: str) -> None:
    found = [separate([features(np.random.default_rng(seed).normal(size=(80, 5)), model)], LABELS, 0, 9)[0] for seed in range(4)]
    assert all(finding.passed and finding.interval is not None and finding.interval[0] < 0.5 for finding in found)


def test_the_scores_of_an_outcome_do_not_depend_on_its_own_label() -> None:
    """What is shown for an outcome was learned from others: with labels unlike its neighbours', it stands on their side."""
    values = np.repeat([[-1.0], [1.0]], 40, axis=0)
    labels = np.arange(80) >= 40
    flipped = labels.copy()
    flipped[[0, 79]] = [True, False]
    scores = out_of_fold(values, flipped, "all", 0)
    assert scores[0] < 0 < scores[79]


def test_a_certain_but_weak_shortcut_passes_and_is_shown() -> None:
    rng = np.random.default_rng(4)
    labels = np.arange(4000) % 2 == 0
    [finding] = separate([features(rng.normal(size=(4000, 1)) + 0.25 * labels[:, None])], labels, 0)
    assert finding.interval is not None
    assert finding.statistic is not None
    assert 0.5 < finding.interval[0] < finding.statistic < BOUND
    assert finding.passed


def test_nothing_is_estimated_from_too_few() -> None:
    [finding] = separate([features(np.eye(30))], np.arange(30) < 9, 0)
    assert (finding.statistic, finding.interval, finding.passed) == (None, None, True)
    assert finding.detail == "unknown: 9 unsafe and 21 safe outcomes, and it takes 10 of each"


def test_features_without_variation_tell_nothing() -> None:
    [finding] = separate([features(np.ones((80, 2)))], LABELS, 0)
    assert (finding.statistic, finding.interval) == (0.5, (0.5, 0.5))
