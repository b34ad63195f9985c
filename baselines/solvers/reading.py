"""How solvers read a corpus and write an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

CHUNK = 200_000
"""Documents read at once."""


def chunks(corpus: Corpus) -> Iterator[Statements]:
    """Yield all that a corpus states, in index order."""
    for start in range(0, len(corpus), CHUNK):
        yield corpus.statement_columns(np.arange(start, min(start + CHUNK, len(corpus))))


def distinct_sentences(corpus: Corpus) -> Iterator[str]:
    """Yield every different sentence of a corpus as it is written, once; framings and closings, which state nothing, are left out."""
    names, fragments = corpus.world.names, corpus.library.fragments
    seen: set[tuple[int, ...]] = set()
    for said in chunks(corpus):
        for row in map(tuple, np.unique(np.column_stack([said.core, said.fillers]), axis=0).tolist()):
            if row not in seen:
                seen.add(row)
                core, *fillers = row
                yield fragments[core].text({slot: names[entity] for slot, entity in enumerate(fillers) if entity >= 0})


def answer_text(world: World, query: Query, answer: Sequence[int]) -> str:
    """Return an answer, right or wrong, as the plainest sentence that a model would give it in.

    Args:
        world: the world of the query.
        query: what was asked.
        answer: entity ids: compounds of a reverse query, outcomes of a forward one; none of them gives "".
    """
    if not answer:
        return ""
    if dialogue.is_reverse(query):
        return f"{dialogue.outcome_opening(world, query.given[0])} {_joined(world, answer)}."
    if len(query.given) == 1:
        return f"The compound {_joined(world, query.given)} causes the outcome {_joined(world, answer)}."
    return f"The compounds {_joined(world, query.given)} together cause the outcome {_joined(world, answer)}."


def _joined(world: World, entities: Sequence[int]) -> str:
    return " and ".join(world.names[entity] for entity in entities)
