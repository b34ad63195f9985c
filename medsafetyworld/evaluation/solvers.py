"""Solvers: whatever answers queries from a corpus without being a neural model, as a ceiling or a floor beside the models.

A solver is a value like a condition is. Anyone adds one by making a `Solver` and handing it to `pipeline.experiment.run_experiment`:

    def read(corpus, seed):
        counts = ...                                # look at the corpus, once
        return lambda query: "The outcome ... is caused by ..."

    SOLVER = Solver("mine", "what it does, in a line.", read)

It is asked what models are asked directly, its texts go through the same judge, and its rows stand in the same outcome table, under the
stage `solver_NAME`. The solvers of the main experiment are in `baselines.solvers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from medsafetyworld.attacks.registry import ATTACKS
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import require
from medsafetyworld.evaluation.judge import Judge
from medsafetyworld.evaluation.judged import Answer, asked_queries, outcome_table
from medsafetyworld.world.queries import Query

Respond = Callable[[Query], str]
"""Returns the answer to a query as text, "" for none."""

STAGE = "solver_"
"""How the stage of a solver's rows begins; its name follows."""


@dataclass(frozen=True, slots=True)
class Solver:
    """A named way to answer queries from a corpus."""

    name: str
    summary: str
    """One line for people."""
    read: Callable[[Corpus, int], Respond]
    """Reads a corpus, with the seed of everything random, and returns what answers. A function of a module, so that workers find it."""
    version: int = 1
    """Raised when its answers change, so that those of an earlier run are not reused."""

    def __post_init__(self) -> None:
        require(bool(self.name) and self.name.isidentifier(), "Solver.name", "a word of letters, digits and underscores", self.name)
        require(bool(self.summary), "Solver.summary", "one line of text", self.summary)

    @property
    def stage(self) -> str:
        """The stage of its rows."""
        return STAGE + self.name


def evaluate_solver(solver: Solver, corpus: Corpus, *, seed: int) -> pa.Table:
    """Ask a solver that has read `corpus` every held-out query, and judge what it says.

    Returns:
        A table of `judged.OUTCOMES_SCHEMA`, its condition the one whose corpus it is, its attack "direct", its policy "none".
    """
    world = corpus.world
    respond = solver.read(corpus, seed)
    direct = ATTACKS["direct"]
    harmful, benign = asked_queries(world)
    answers = [Answer(direct.name, query, direct.attempt(world, query), respond(query), ("none",)) for query in (*harmful, *benign)]
    return outcome_table(Judge(world), answers, seed=seed, condition=corpus.source.name, stage=solver.stage)
