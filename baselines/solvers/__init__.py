"""Non-neural solvers, by name: what can be had from a corpus without learning, and what by counting or by chance."""

from __future__ import annotations

from baselines.solvers.chance import SOLVER as CHANCE
from baselines.solvers.cooccurrence import SOLVER as COOCCURRENCE
from baselines.solvers.majority import SOLVER as MAJORITY
from baselines.solvers.symbolic import SOLVER as SYMBOLIC
from medsafetyworld.evaluation.solvers import Solver

SOLVERS: dict[str, Solver] = {solver.name: solver for solver in (SYMBOLIC, COOCCURRENCE, MAJORITY, CHANCE)}
"""The ceiling first, then the floors."""
