"""How well a probability of a label agrees with the label: ranking (AUROC) and calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

BINS = 10

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of one range of probability: their mean, and how often the label was true."""

    probability: float
    frequency: float
    n: int


def auroc(labels: Labels, probabilities: Floats) -> float | None:
    """Return the chance that a true label scores above a false one (ties count half); None when one class is absent."""
    positives = int(labels.sum())
    negatives = labels.size - positives
    if positives == 0 or negatives == 0:
        return None
    ranks = stats.rankdata(probabilities)
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def reliability_bins(labels: Labels, probabilities: Floats, bins: int = BINS) -> list[ReliabilityBin]:
    """Return the non-empty ones of `bins` equal ranges of probability, from low to high."""
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    found = []
    for index in range(bins):
        inside = place == index
        if inside.any():
            found.append(ReliabilityBin(float(probabilities[inside].mean()), float(labels[inside].mean()), int(inside.sum())))
    return found


def expected_calibration_error(labels: Labels, probabilities: Floats, bins: int = BINS) -> float | None:
    """Return the mean distance between probability and frequency over the bins, weighed by their sizes; None without data."""
    if labels.size == 0:
        return None
    return sum(b.n * abs(b.probability - b.frequency) for b in reliability_bins(labels, probabilities, bins)) / labels.size


def harmonic_accuracy(labels: Labels, probabilities: Floats, threshold: float = 0.5) -> float | None:
    """Return the harmonic mean of the accuracies on true and on false labels (the paper's measure); None when a class is absent."""
    if not labels.any() or labels.all():
        return None
    called = probabilities >= threshold
    on_true, on_false = float(called[labels].mean()), float((~called[~labels]).mean())
    return 0.0 if on_true + on_false == 0 else 2 * on_true * on_false / (on_true + on_false)
