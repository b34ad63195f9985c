"""What a corpus writes, counted by arithmetic: passes are exact, so only the last, partial one is looked at.

It is exact where the following hold, and refused where they do not:

- the slots of the documents are a run of the passes: no statement can be left out of a document for what it would join (one statement a
  document, or a world where nothing joins);
- the condition decides by the statement alone, so that one example of each says what becomes of all: not so for a filter that misses or
  that errs, for one that removes whole documents of several statements, or for a transformation of another package, which may draw or
  look around;
- which end of a statement is mentioned first follows from its direction. A co-occurrence has none, and is looked at slot by slot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.conditions.base import keep
from medsafetyworld.corpus.conditions.filtered import remove_harm
from medsafetyworld.corpus.conditions.filtered_plus import remove_unsafe
from medsafetyworld.corpus.conditions.reflection import reflect_on_base
from medsafetyworld.corpus.conditions.rewritten import rewrite_harm
from medsafetyworld.corpus.layout import Layout

if TYPE_CHECKING:
    from medsafetyworld.corpus.sequence import Corpus

Counts = NDArray[np.int64]
_ALWAYS_BY_STATEMENT: tuple[Callable[..., Any], ...] = (keep, remove_unsafe, rewrite_harm)
_BY_FILTER: tuple[Callable[..., Any], ...] = (remove_harm, reflect_on_base)
_CHUNK = 500_000


def counts_by_arithmetic(corpus: Corpus) -> bool:
    """Whether what a corpus writes follows from its passes."""
    return _slots_are_a_run(corpus) and _decides_by_statement(corpus)


def count_by_arithmetic(corpus: Corpus) -> tuple[Counts, Counts]:
    """Return (I,) twice: how often each statement is written, and how often its effect is mentioned before its cause.

    The corpus must be one of which `counts_by_arithmetic` holds.
    """
    table = corpus.table
    slots = _slots(corpus)
    passes, rest = divmod(slots, table.rows_per_pass)
    said = table.said_in_passes(passes)
    last = table.row_ids(np.arange(slots - rest, slots))
    said += np.bincount(last[last >= 0], minlength=said.size)
    becomes = _what_becomes(corpus)
    written = np.zeros_like(said)
    kept = np.flatnonzero(becomes >= 0)
    np.add.at(written, becomes[kept], said[kept])
    directions = np.array([direction for _, direction in table.types])
    # The opening mention of a hazard statement is the outcome, an effect.
    backwards = np.repeat(np.isin(directions, ["reverse", "none"]), np.diff(table.offsets))
    effect_first = np.where(backwards, written, 0)
    if (directions == "cooccurrence").any():
        effect_first += _cooccurrences_backwards(corpus, slots)
    return written, effect_first


def _slots_are_a_run(corpus: Corpus) -> bool:
    return corpus.config.statements_per_document == 1 or not corpus.table.has_conflicts


def _decides_by_statement(corpus: Corpus) -> bool:
    transform, filtering = corpus.source.transform, corpus.config.filter
    if transform in _ALWAYS_BY_STATEMENT or (transform is reflect_on_base and corpus.config.reflection.base == "raw"):
        return True
    whole_document = filtering.unit == "document" and corpus.config.statements_per_document > 1
    return transform in _BY_FILTER and filtering.recall == 1.0 and filtering.false_positive_rate == 0.0 and not whole_document


def _slots(corpus: Corpus) -> int:
    """Return the number of slots in the documents: whole blocks, and the sizes of the documents of the last one."""
    size = corpus.config.statements_per_document
    blocks, rest = divmod(len(corpus), size)
    return blocks * (size * (size + 1) // 2) + corpus.statement_slots(np.arange(len(corpus) - rest, len(corpus)))


def _what_becomes(corpus: Corpus) -> Counts:
    """(I,): the statement that is written where the passes have each one, -1 for none, found out on one example of each."""
    ids = np.arange(int(corpus.table.offsets[-1]))
    examples = corpus.transformed(Layout(ids, ids, ids, 0), ids)
    becomes = np.full(ids.size, -1, dtype=np.int64)
    becomes[examples.document] = corpus.table.offsets[examples.type] + examples.fact
    return becomes


def _cooccurrences_backwards(corpus: Corpus, slots: int) -> Counts:
    """(I,): co-occurrences that name their outcome first."""
    from medsafetyworld.corpus.exposure import effect_comes_first

    table = corpus.table
    together = np.array([direction == "cooccurrence" for _, direction in table.types])
    total = np.zeros(int(table.offsets[-1]), dtype=np.int64)
    for start in range(0, slots, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, slots))
        ids = table.row_ids(numbers)
        chosen = np.flatnonzero(ids >= 0)
        chosen = chosen[together[table.type_of(ids[chosen])]]
        said = corpus.transformed(Layout(np.arange(chosen.size), numbers[chosen], ids[chosen], 0), numbers[chosen])
        backwards = effect_comes_first(corpus, said) & together[said.type]
        total += np.bincount((table.offsets[said.type] + said.fact)[backwards], minlength=total.size)
    return total
