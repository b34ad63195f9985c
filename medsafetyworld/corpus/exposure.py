"""How often a corpus writes what: each statement, in which order its ends are mentioned, and each entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.corpus.wording import Statements, cause_and_effect

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
    """Count what a corpus writes: by arithmetic where that is exact (see `passes`), else by going through its documents."""
    from medsafetyworld.corpus.passes import count_by_arithmetic, counts_by_arithmetic

    written, effect_first = count_by_arithmetic(corpus) if counts_by_arithmetic(corpus) else count_by_scan(corpus)
    return exposure_of(corpus.table, written, effect_first)


def exposure_of(table: StatementTable, written: NDArray[np.int64], effect_first: NDArray[np.int64]) -> Exposure:
    """Return the exposure of a corpus that writes each statement so often: a statement names every entity of its fact."""
    entities, in_chains = np.zeros((2, table.world.names.size), dtype=np.int64)
    for code, (relation, _) in enumerate(table.types):
        counts = written[table.offsets[code] : table.offsets[code + 1]]
        facts = table.facts[code]
        named = facts >= 0
        times = np.repeat(counts[:, None], facts.shape[1], axis=1)[named]
        np.add.at(entities, facts[named], times)
        if relation in table.world.whole_chain_relations:
            np.add.at(in_chains, facts[named], times)
    return Exposure(written, effect_first, entities, in_chains)


def count_by_scan(corpus: Corpus) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (I,) twice, as `count_by_arithmetic` does, by going through all documents in chunks."""
    table = corpus.table
    written, effect_first = np.zeros((2, int(table.offsets[-1])), dtype=np.int64)
    for start in range(0, len(corpus), _CHUNK):
        said = corpus.statement_columns(np.arange(start, min(start + _CHUNK, len(corpus))))
        ids = table.offsets[said.type] + said.fact
        written += np.bincount(ids, minlength=written.size)
        effect_first += np.bincount(ids[effect_comes_first(corpus, said)], minlength=written.size)
    return written, effect_first


def effect_comes_first(corpus: Corpus, said: Statements) -> NDArray[np.bool_]:
    """Return whether each statement, framing included, mentions an effect before its causes."""
    first_slot = np.array([fragment.slots[0] if fragment.slots else -1 for fragment in corpus.library.fragments])
    framed = np.where(said.framing >= 0, first_slot[said.framing], -1)
    opening = np.where(framed >= 0, framed, first_slot[said.core])
    return opening >= cause_and_effect(said.fillers)[1]
