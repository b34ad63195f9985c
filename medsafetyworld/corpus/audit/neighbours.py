"""Whether an outcome's company tells: the entities that its statements name, and what stands beside them in their documents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.outcomes import outcome_means
from medsafetyworld.corpus.audit.separation import Features


def neighbour_features(evidence: Evidence) -> Features:
    """Return what an outcome's statements name with it, and the entities, relations and directions of other statements in their documents.

    All is within a relation and direction.
    """
    world, size = evidence.world, evidence.outcome.size
    entities = world.names.size
    named_row = np.repeat(np.arange(size), [len(named) for named in evidence.entities])
    named = np.array([entity for found in evidence.entities for entity in found], dtype=np.int64)
    said = _table(named_row, named, (size, entities))
    kinds = _table(np.arange(size), evidence.type, (size, len(evidence.types)))
    written = sparse.hstack([said, kinds]).tocsr()
    documents = _table(evidence.document, np.arange(size), (len(evidence.texts), size))
    together = documents @ written
    chosen = evidence.judged
    beside = together[evidence.document[chosen]] - written[chosen]
    own = said[chosen].tolil()
    own[np.arange(own.shape[0]), evidence.outcome[chosen]] = 0
    values, outcomes = outcome_means(evidence, chosen, sparse.hstack([own.tocsr(), beside]))
    names = world.names.tolist()
    columns = (
        *(f"{name} with it" for name in names),
        *(f"{name} beside it" for name in names),
        *(" ".join(kind) for kind in evidence.types),
    )
    return Features("neighbours", "what they are named with", values, outcomes, columns, "linear")


def _table(row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]) -> sparse.csr_matrix:
    table = sparse.csr_matrix((np.ones(row.size), (row, column)), shape=shape)
    table.data[:] = 1.0  # repeats count once
    return table
