"""How often a corpus writes what: each statement, in which order its ends are mentioned, and each entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.wording import cause_and_effect

if TYPE_CHECKING:
    from medsafetyworld.corpus.sequence import Corpus

_CHUNK = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Counts over a whole corpus; I statement ids (see `StatementTable`), N entities."""

    statements: NDArray[np.int64]
    """(I,): how often each statement is written."""
    effect_first: NDArray[np.int64]
    """(I,): how often its effect is mentioned before its cause."""
    entities: NDArray[np.int64]
    """(N,): statements that name the entity."""
    entities_in_chains: NDArray[np.int64]
    """(N,): statements that name it as a part of a whole chain."""


def count_exposure(corpus: Corpus) -> Exposure:
    """Count what a corpus writes, in chunks."""
    table, library, world = corpus.table, corpus.library, corpus.world
    size, entity_count = int(table.offsets[-1]), world.names.size
    statements, effect_first = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    entities, in_chains = np.zeros(entity_count, dtype=np.int64), np.zeros(entity_count, dtype=np.int64)
    whole = np.array([relation in world.whole_chain_relations for relation, _ in table.types])
    first_slot = np.array([fragment.slots[0] if fragment.slots else -1 for fragment in library.fragments])
    for start in range(0, len(corpus), _CHUNK):
        said = corpus.statement_columns(np.arange(start, min(start + _CHUNK, len(corpus))))
        ids = table.offsets[said.type] + said.fact
        statements += np.bincount(ids, minlength=size)
        framed = np.where(said.framing >= 0, first_slot[said.framing], -1)
        opening = np.where(framed >= 0, framed, first_slot[said.core])
        effect_first += np.bincount(ids[opening >= cause_and_effect(said.fillers)[1]], minlength=size)
        for counts, chosen in ((entities, slice(None)), (in_chains, whole[said.type])):
            named = said.fillers[chosen]
            counts += np.bincount(named[named >= 0], minlength=entity_count)
    return Exposure(statements, effect_first, entities, in_chains)
