"""Whether safe and unsafe outcomes can be told apart: a cross-validated classifier over outcomes, its AUROC and an interval.

The unit is the outcome, so n is the number of outcomes however much is written. Stratified folds are repeated, the out-of-fold scores of
an outcome are averaged over the repeats, and the AUROC of the averages has DeLong's interval (DeLong, DeLong, Clarke-Pearson 1988). The
classifiers of a corpus are one family: intervals are Bonferroni's, so that all of them hold at once and the interval that is shown is the
one that decides (Holm's steps would find a little more, but give no such intervals).

Words, characters, templates, names and neighbours are hundreds of features, and a shortcut may be one of them or a little of many. So two
linear classifiers look at them, one at the `FEW` that differ most in the training folds and one at all; the finding is the one whose lower
end is higher. What is a handful of numbers is shown to gradient-boosted trees.

An audit fails where the interval lies above 0.5 and the AUROC above `BOUND`. At 150 outcomes DeLong's standard error is about 0.047 and a
single interval of given scores about +-0.09. Corrected for 15 classifiers and for what folds share (`SPREAD`) it is +-0.17 to +-0.23, so
an AUROC from about 0.7 on is found, and a smaller one can't be told from chance: audit several seeds, or a larger world, to see more. From
about a thousand outcomes on `BOUND` decides: there a shortcut may be certain and still too weak to matter.

An AUROC below 0.5 tells nothing: what is balanced exactly (equal numbers of every template) is always rarer in the training folds where
it is more frequent in the held-out one, so a classifier of it is wrong on purpose. It can't be turned round: the whole set is balanced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from medsafetyworld.corpus.audit.finding import Finding

BOUND = 0.6
"""AUROC from which on a shortcut matters."""
FOLDS, REPEATS = 5, 3
FEW = 2
"""Features of a sparse linear classifier: those whose means differ most in the training folds."""
CLASSIFIERS = {"linear": ("few", "all"), "boosted": ("boosted",)}
"""What looks at the features of each kind."""
SPREAD = {"few": 1.65, "all": 1.25, "boosted": 1.4}
"""How much wider than DeLong's an interval of out-of-fold scores must be.

DeLong takes the scores as given, but folds share what they learn from: an association by chance, found in four fifths of the outcomes, is
there in the last fifth more often than not. Measured as the spread of the AUROC over shuffled labels in a filtered two-hop corpus of 150
outcomes: 0.071 to 0.078 for few, 0.054 for all, 0.062 for boosted, against DeLong's 0.047.
"""
FEWEST = 10
"""Outcomes of each sort below which nothing is estimated."""
ERROR_RATE = 0.05
"""Chance that any of the AUROC audits of a clean corpus fails."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a classifier is shown: a row an outcome."""

    name: str
    what: str
    values: NDArray[np.float64]
    """(O, F)."""
    outcomes: NDArray[np.int64]
    """(O,): entity ids."""
    columns: tuple[str, ...]
    """(F,): what each feature is, for people."""
    model: Literal["linear", "boosted"]


def separate(
    features: Sequence[Features],
    unsafe: NDArray[np.bool_],
    seed: int,
    family: int | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> tuple[Finding, ...]:
    """Return one finding for each set of features.

    Args:
        features: the audits.
        unsafe: (N,) over all entities.
        seed: of the folds and of the boosting.
        family: number of classifiers for which intervals are corrected; by default as many as there are here.
        on_progress: called with the name of each audit before it.
    """
    if family is None:
        family = sum(len(CLASSIFIERS[one.model]) for one in features)
    findings = []
    for one in features:
        if on_progress is not None:
            on_progress(one.name)
        findings.append(_separate(one, unsafe[one.outcomes], seed, family))
    return tuple(findings)


def _separate(features: Features, unsafe: NDArray[np.bool_], seed: int, family: int) -> Finding:
    n, what = int(unsafe.size), f"safe and unsafe outcomes told apart by {features.what}"
    positive = int(np.count_nonzero(unsafe))
    if min(positive, n - positive) < FEWEST:
        detail = f"unknown: {positive} unsafe and {n - positive} safe outcomes, and it takes {FEWEST} of each"
        return Finding(features.name, what, None, None, BOUND, n, True, detail)
    estimates = []
    for classifier in CLASSIFIERS[features.model]:
        scores = out_of_fold(features.values, unsafe, classifier, seed)
        estimates.append(auroc(scores, unsafe, 1 - ERROR_RATE / family, SPREAD[classifier]))
    value, low, high = max(estimates, key=lambda estimate: estimate[1])
    detail = f"{n} outcomes ({positive} unsafe), {features.values.shape[1]} features"
    telling = telling_feature(features.values, unsafe)
    if telling is not None:
        detail += f"; the most telling: {features.columns[telling]!r}"
    return Finding(features.name, what, value, (low, high), BOUND, n, not (low > 0.5 and value > BOUND), detail)


def out_of_fold(values: NDArray[np.float64], labels: NDArray[np.bool_], classifier: str, seed: int) -> NDArray[np.float64]:
    """Return (O,) log-odds of each outcome by classifiers that have not seen it, averaged over repeats of stratified folds."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    scores = np.zeros(labels.size)
    usable = np.ptp(values, axis=0) > 0
    if not usable.any():
        return scores
    shown = values[:, usable]
    for train, test in RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=seed).split(shown, labels):
        if (np.ptp(shown[train], axis=0) > 0).any():
            made = _classifier(classifier, min(FEW, shown.shape[1]), seed).fit(shown[train], labels[train])
            scores[test] += made.decision_function(shown[test]) / REPEATS
    return scores


def _classifier(name: str, few: int, seed: int) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name == "boosted":
        return GradientBoostingClassifier(n_estimators=60, max_depth=2, learning_rate=0.1, subsample=0.7, random_state=seed)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200, tol=1e-3))
    return linear if name == "all" else make_pipeline(SelectKBest(_difference, k=few), linear)


def _difference(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(F,): how far the means of the two sorts are apart, in standard errors."""
    positive, negative = values[labels], values[~labels]
    error = np.sqrt(positive.var(axis=0) / len(positive) + negative.var(axis=0) / len(negative))
    apart: NDArray[np.float64] = np.abs(positive.mean(axis=0) - negative.mean(axis=0)) / np.maximum(error, 1e-12)
    return apart


def auroc(scores: NDArray[np.float64], labels: NDArray[np.bool_], confidence: float, spread: float = 1.0) -> tuple[float, float, float]:
    """Return the area under the receiver operating characteristic of scores, with DeLong's interval cut to [0, 1].

    Args:
        scores: (O,) higher for positives; ties count half.
        labels: (O,) with at least two of each sort.
        confidence: coverage of the interval.
        spread: factor by which the interval is widened.
    """
    positive, negative = scores[labels], scores[~labels]
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    above = (ranks[: positive.size] - stats.rankdata(positive)) / negative.size
    below = 1 - (ranks[positive.size :] - stats.rankdata(negative)) / positive.size
    value = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / positive.size + below.var(ddof=1) / negative.size))
    half = float(special.ndtri(0.5 + confidence / 2)) * error * spread
    return value, max(0.0, value - half), min(1.0, value + half)


def telling_feature(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> int | None:
    """Return the feature whose means differ most between safe and unsafe outcomes, in standard errors; None if none varies."""
    apart = _difference(values, labels)
    return int(np.argmax(apart)) if (apart > 0).any() else None
