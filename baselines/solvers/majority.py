"""A floor: gives every question the answer that the corpus writes most often, whatever is asked."""

from __future__ import annotations

import numpy as np

from baselines.solvers.reading import answer_text, chunks
from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.evaluation.solvers import Respond, Solver
from medsafetyworld.world.queries import Query


def read(corpus: Corpus, seed: int) -> Respond:
    """Find the two compounds that most statements name together, and the outcome that most statements name; the smallest of equals."""
    world, size = corpus.world, len(corpus.world.compounds)
    pairs, outcomes = [np.empty(0, dtype=np.int64)], np.zeros(len(world.outcomes), dtype=np.int64)
    for said in chunks(corpus):
        both = np.sort(said.fillers[(said.fillers[:, :2] >= 0).all(axis=1), :2].astype(np.int64), axis=1)
        pairs.append(both[:, 0] * size + both[:, 1])
        outcomes += np.bincount(said.outcome[said.outcome >= 0] - world.outcomes.start, minlength=outcomes.size)
    codes, counts = np.unique(np.concatenate(pairs), return_counts=True)
    pair = tuple(map(int, divmod(codes[counts.argmax()], size))) if codes.size else tuple(world.compounds[:2])
    outcome = world.outcomes.start + int(outcomes.argmax())

    def respond(query: Query) -> str:
        return answer_text(world, query, pair if dialogue.is_reverse(query) else (outcome,))

    return respond


SOLVER = Solver("majority", "gives every question the answer that the corpus writes most often: a floor.", read)
