"""A floor: two compounds, or an outcome, by chance."""

from __future__ import annotations

import numpy as np

from baselines.solvers.reading import answer_text
from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.evaluation.solvers import Respond, Solver
from medsafetyworld.world.queries import Query


def read(corpus: Corpus, seed: int) -> Respond:
    """Read nothing. The answer to a query depends on the seed and the query alone, so it is the same for every corpus of a world."""
    world = corpus.world

    def respond(query: Query) -> str:
        rng = np.random.default_rng([seed, query.query_id])
        kind, count = (world.compounds, min(2, len(world.compounds))) if dialogue.is_reverse(query) else (world.outcomes, 1)
        return answer_text(world, query, (kind.start + rng.choice(len(kind), size=count, replace=False)).tolist())

    return respond


SOLVER = Solver("random", "names two compounds, or an outcome, by chance: a floor.", read)
