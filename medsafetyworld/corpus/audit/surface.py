"""Whether lengths, positions and numbers of statements tell, by gradient-boosted trees.

In raw they must not tell at all. In other conditions statements are removed or rewritten, so lengths and positions count within a relation
and direction. Outcomes whose whole-chain reverse is withheld in every corpus (`composed`, all of them safe) are left aside where that would
show: in counts, and in raw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.outcomes import outcome_means
from medsafetyworld.corpus.audit.separation import Features
from medsafetyworld.corpus.library import TOKEN_PATTERN


def surface_features(evidence: Evidence) -> tuple[Features, ...]:
    """Return lengths, positions and statement counts of each outcome. Lengths are of masked text: a name is one word."""
    raw = evidence.condition == "raw"
    chosen = evidence.judged
    if raw:
        chosen = chosen & ~evidence.world.composed[evidence.outcome]
    document, place = evidence.document[chosen], evidence.place[chosen]
    sizes = np.bincount(evidence.document, minlength=len(evidence.texts))
    own = _lengths(list(evidence.pieces))[evidence.piece[chosen]]
    whole = _lengths(evidence.masked)[document]
    lengths = np.concatenate([own, whole, whole - own], axis=1)
    later = sizes[document] - 1 - place
    positions = np.column_stack([evidence.position[document], place, later, place == 0, later == 0, sizes[document]]).astype(np.float64)
    made = []
    for name, what, values, columns in (
        ("lengths", "the lengths of their statements and documents", lengths, _LENGTHS),
        ("positions", "where their statements stand", positions, _POSITIONS),
    ):
        means, outcomes = outcome_means(evidence, chosen, values, within=not raw)
        made.append(Features(name, what, means, outcomes, columns, "boosted"))
    return (*made, _counts(evidence))


_LENGTHS = tuple(f"{unit} of the {of}" for of in ("statement", "document", "document's rest") for unit in ("tokens", "characters"))
_POSITIONS = (
    "place of the document in the corpus",
    "statements before",
    "statements after",
    "first in its document",
    "last in its document",
    "statements in the document",
)


def _lengths(texts: list[str]) -> NDArray[np.float64]:
    """(T, 2): tokens and characters."""
    return np.array([(len(TOKEN_PATTERN.findall(text)), len(text)) for text in texts], dtype=np.float64).reshape(-1, 2)


def _counts(evidence: Evidence) -> Features:
    """Return how many statements of each relation and direction are about an outcome, and in how many documents."""
    chosen = evidence.judged & ~evidence.world.composed[evidence.outcome]
    outcomes, row = np.unique(evidence.outcome[chosen], return_inverse=True)
    kinds, kind = np.unique(evidence.type[chosen], return_inverse=True)
    counts = np.zeros((outcomes.size, kinds.size))
    np.add.at(counts, (row, kind), 1)
    pairs = np.unique(np.stack([row, evidence.document[chosen]]), axis=1)[0]
    documents = np.bincount(pairs, minlength=outcomes.size)
    values = np.column_stack([counts, counts.sum(axis=1), documents]).astype(np.float64)
    names = (*(f"statements, {' '.join(evidence.types[code])}" for code in kinds), "statements", "documents")
    return Features("counts", "how much is written about them", values, outcomes, names, "boosted")
