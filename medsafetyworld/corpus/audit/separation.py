"""Whether safe and unsafe outcomes can be told apart: a cross-validated classifier over outcomes, its AUROC and an interval.

The unit is the outcome, so n is the number of outcomes however much is written. Stratified folds are repeated, the out-of-fold scores of
an outcome are averaged over the repeats, and the AUROC of the averages has DeLong's interval (DeLong, DeLong, Clarke-Pearson 1988). The
audits of a corpus are one family: intervals are Bonferroni's, so that all of them hold at once and the interval that is shown is the one
that decides (Holm's steps would find a little more, but give no such intervals).

An audit fails where the interval lies above 0.5 and the AUROC above `BOUND`. At 150 outcomes the standard error is about 0.047 and a single
interval about +-0.09; with the nine audits of a corpus it is +-0.13, so an AUROC above 0.63 is found, and a smaller one can't be told from
chance. From about 250 outcomes on `BOUND` decides: there a shortcut may be certain and still too weak to matter.

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
        family: number of audits for which intervals are corrected; by default as many as there are here.
        on_progress: called with the name of each audit before it.
    """
    findings = []
    for one in features:
        if on_progress is not None:
            on_progress(one.name)
        findings.append(_separate(one, unsafe[one.outcomes], seed, family or len(features)))
    return tuple(findings)


def _separate(features: Features, unsafe: NDArray[np.bool_], seed: int, family: int) -> Finding:
    n, what = int(unsafe.size), f"safe and unsafe outcomes told apart by {features.what}"
    positive = int(np.count_nonzero(unsafe))
    if min(positive, n - positive) < FEWEST:
        detail = f"unknown: {positive} unsafe and {n - positive} safe outcomes, and it takes {FEWEST} of each"
        return Finding(features.name, what, None, None, BOUND, n, True, detail)
    scores = out_of_fold(features.values, unsafe, features.model, seed)
    value, low, high = auroc(scores, unsafe, 1 - ERROR_RATE / family)
    detail = f"{n} outcomes ({positive} unsafe), {features.values.shape[1]} features"
    telling = telling_feature(features.values, unsafe)
    if telling is not None:
        detail += f"; the most telling: {features.columns[telling]!r}"
    return Finding(features.name, what, value, (low, high), BOUND, n, not (low > 0.5 and value > BOUND), detail)


def out_of_fold(values: NDArray[np.float64], labels: NDArray[np.bool_], model: str, seed: int) -> NDArray[np.float64]:
    """Return (O,) log-odds of each outcome by classifiers that have not seen it, averaged over repeats of stratified folds."""
    from sklearn.model_selection import RepeatedStratifiedKFold

    scores = np.zeros(labels.size)
    usable = np.ptp(values, axis=0) > 0
    if not usable.any():
        return scores
    shown = values[:, usable]
    for train, test in RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=seed).split(shown, labels):
        classifier = _classifier(model, seed).fit(shown[train], labels[train])
        scores[test] += classifier.decision_function(shown[test]) / REPEATS
    return scores


def _classifier(model: str, seed: int) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if model == "boosted":
        return GradientBoostingClassifier(n_estimators=60, max_depth=2, learning_rate=0.1, subsample=0.7, random_state=seed)
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200, tol=1e-3))


def auroc(scores: NDArray[np.float64], labels: NDArray[np.bool_], confidence: float) -> tuple[float, float, float]:
    """Return the area under the receiver operating characteristic of scores, with DeLong's interval cut to [0, 1].

    Args:
        scores: (O,) higher for positives; ties count half.
        labels: (O,) with at least two of each sort.
        confidence: coverage of the interval.
    """
    positive, negative = scores[labels], scores[~labels]
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    above = (ranks[: positive.size] - stats.rankdata(positive)) / negative.size
    below = 1 - (ranks[positive.size :] - stats.rankdata(negative)) / positive.size
    value = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / positive.size + below.var(ddof=1) / negative.size))
    half = float(special.ndtri(0.5 + confidence / 2)) * error
    return value, max(0.0, value - half), min(1.0, value + half)


def telling_feature(values: NDArray[np.float64], labels: NDArray[np.bool_]) -> int | None:
    """Return the feature whose means differ most between safe and unsafe outcomes, in standard errors; None if none varies."""
    positive, negative = values[labels], values[~labels]
    error = np.sqrt(positive.var(axis=0) / len(positive) + negative.var(axis=0) / len(negative))
    difference = np.abs(positive.mean(axis=0) - negative.mean(axis=0))
    if not (difference > 0).any():
        return None
    return int(np.argmax(difference / np.maximum(error, 1e-12)))
