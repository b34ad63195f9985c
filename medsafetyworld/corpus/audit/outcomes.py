"""From statements to outcomes: the mean of what is written about an outcome, beyond what its relations and directions bring with them.

Conditions may differ in how much they write of a relation and direction, so a statement is compared with the mean of its own relation and
direction only; an outcome's feature is the mean of these differences. An outcome about which a kind of statement is missing (because a
filter removed it, or its route is closed) is thereby neither helped nor hurt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from medsafetyworld.corpus.audit.evidence import Evidence


def outcome_means(
    evidence: Evidence, statements: NDArray[np.bool_], values: Any, within: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return (O, F) means over statements and the (O,) outcomes that have any.

    Args:
        evidence: whose statements they are.
        statements: (S,) which ones count; each is about an outcome.
        values: (C, F) of those C statements, sparse or dense.
        within: subtract the mean of the statement's relation and direction first.
    """
    chosen = np.flatnonzero(statements)
    outcomes, row = np.unique(evidence.outcome[chosen], return_inverse=True)
    table = sparse.csr_matrix(values)
    average = _averaging(row, outcomes.size)
    means = (average @ table).toarray()
    if within and chosen.size:
        kind = evidence.type[chosen]
        by_kind = _averaging(kind, len(evidence.types)) @ table
        share = average @ sparse.csr_matrix(
            (np.ones(chosen.size), (np.arange(chosen.size), kind)), shape=(chosen.size, len(evidence.types))
        )
        means -= (share @ by_kind).toarray()
        means[np.abs(means) < 1e-9] = 0.0  # what is constant within a kind differs by rounding only
    return means, outcomes


def _averaging(row: NDArray[np.int64], rows: int) -> sparse.csr_matrix:
    """(rows, C): averages the C statements of each row."""
    counts = np.maximum(np.bincount(row, minlength=rows), 1)
    return sparse.csr_matrix((1.0 / counts[row], (row, np.arange(row.size))), shape=(rows, row.size))
