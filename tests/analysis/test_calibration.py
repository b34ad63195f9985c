"""Ranking and calibration against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.analysis.calibration import auroc, expected_calibration_error, harmonic_accuracy, reliability_bins

segments = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.99, 1.0])), min_size=1, max_size=40)


@given(segments)
def test_auroc_counts_pairs(pairs: list[tuple[bool, float]]) -> None:
    labels, p = np.array([label for label, _ in pairs]), np.array([chance for _, chance in pairs])
    positive, negative = p[labels], p[~labels]
    if positive.size == 0 or negative.size == 0:
        assert auroc(labels, p) is None
        return
    wins = np.mean([(x > y) + 0.5 * (x == y) for x in positive for y in negative])
    assert auroc(labels, p) == pytest.approx(wins)


@given(segments)
def test_bins_hold_every_prediction_once(pairs: list[tuple[bool, float]]) -> None:
    labels, p = np.array([label for label, _ in pairs]), np.array([chance for _, chance in pairs])
    bins = reliability_bins(labels, p)
    assert sum(b.n for b in bins) == len(pairs)
    assert sum(b.n * b.frequency for b in bins) == pytest.approx(labels.sum())


def test_calibration_error_of_known_cases() -> None:
    labels = np.array([True, True, False, False])
    assert expected_calibration_error(labels, labels.astype(float)) == 0.0
    assert expected_calibration_error(labels, 1.0 - labels) == 1.0
    assert expected_calibration_error(labels, np.full(4, 0.5)) == 0.0
    assert expected_calibration_error(labels[:0], np.zeros(0)) is None


def test_harmonic_accuracy_is_zero_when_one_side_is_lost() -> None:
    labels = np.array([True, False])
    assert harmonic_accuracy(labels, np.array([0.9, 0.1])) == 1.0
    assert harmonic_accuracy(labels, np.array([0.9, 0.9])) == 0.0
    assert harmonic_accuracy(np.array([True]), np.array([0.9])) is None
