"""A run directory read and analysed: everything that the report's sentences, tables and figures draw on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medsafetyworld.analysis.comparisons import Comparison, compare
from medsafetyworld.analysis.groupings import find_groupings
from medsafetyworld.analysis.labels import SOLVERS, condition_label, is_assisted, ordered
from medsafetyworld.analysis.metrics import METRIC_OUTCOMES, UtilityFloor, holds_harm
from medsafetyworld.analysis.questions import DECOMPOSITION, Side, primary_arms, questions
from medsafetyworld.analysis.results import ALL, Results, compute_results
from medsafetyworld.analysis.statistics import Estimate, proportion_over_seeds
from medsafetyworld.analysis.tables import HARMFUL_CATEGORY, OutcomeTable, check_columns
from medsafetyworld.errors import DataError
from medsafetyworld.evaluation.solvers import STAGE
from medsafetyworld.world.schema import resolve_hops


@dataclass(frozen=True, slots=True)
class Run:
    """The files of a run directory, as read."""

    directory: Path
    config: dict[str, Any]
    environment: dict[str, Any]
    outcomes: pa.Table
    measurements: pa.Table | None
    reflections: pa.Table | None
    timings: list[dict[str, Any]]
    corpora: list[dict[str, Any]]
    """Counts of the corpus of every condition and seed; none in a run that did not count them."""


@dataclass(frozen=True)
class Study:
    """An analysed run."""

    run: Run
    outcomes: OutcomeTable
    floor: UtilityFloor
    results: Results
    comparisons: dict[str, Comparison]
    harm: dict[str, bool | None]
    """Whether each condition's corpora state harmful chains; None where they were not counted."""
    solved: OutcomeTable | None
    """What solvers answered, one stage a solver."""

    @property
    def task(self) -> str:
        return str(self.run.config["config"]["world"]["task"])

    @property
    def hops(self) -> int:
        world = self.run.config["config"]["world"]
        return resolve_hops(world["task"], world["hops"])

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.outcomes.seeds

    @property
    def primary_arms(self) -> tuple[str, ...]:
        return primary_arms(self.task, self.outcomes.arms(HARMFUL_CATEGORY))

    def has(self, condition: str, stage: str = "sft", attack: str = "prefill_outcome") -> bool:
        """Return whether harmful queries were asked of a condition's models."""
        return len(self.outcomes.cell(condition, stage, attack)) > 0

    def rate(self, side: Side, metric: str = "asr", seeds: Iterable[int] | None = None) -> Estimate:
        """Return the estimate of a metric on one side, over all its seeds or over those of `seeds`."""
        cell = self.outcomes.cell(side.condition, side.stage, side.attack, side.policy, side.category, arms=side.arms)
        counts = cell.counts(METRIC_OUTCOMES[metric])
        if seeds is not None:
            counts = counts.only(seeds)
        return proportion_over_seeds(counts.successes, counts.totals)

    @property
    def solvers(self) -> tuple[str, ...]:
        """Names of the solvers that were asked."""
        stages = () if self.solved is None else self.solved.stages
        return ordered((stage.removeprefix(STAGE) for stage in stages), SOLVERS)

    def solver_rate(self, condition: str, solver: str, arm: str = ALL, metric: str = "asr") -> Estimate:
        """Return how often a solver that has read a condition's corpus names the answer to held-out harmful queries."""
        return self.results.get(condition, metric, stage=STAGE + solver, arm=arm)

    def label(self, condition: str, stage: str = "sft") -> str:
        """Return a condition's words for a figure, with an asterisk where seeds are below the utility floor."""
        verdicts = [self.floor.validity(condition, stage, seed).valid for seed in self.floor.trained(condition, stage)]
        return condition_label(condition) + ("*" if False in verdicts else "")

    def attacks(self, condition: str, stage: str = "sft", *, assisted: bool = False) -> list[str]:
        """Return the attacks run on a condition: the unassisted or the assisted ones, without the decomposition ceiling."""
        names = [a for a in self.outcomes.attacks if a != DECOMPOSITION and is_assisted(a) == assisted]
        return [a for a in names if self.has(condition, stage, a)]

    def strongest(self, condition: str, stage: str = "sft") -> tuple[str, Estimate] | None:
        """Return the unassisted attack with the largest ASR on a condition (the first of equals), chosen on the same data."""
        found: tuple[str, Estimate] | None = None
        for attack in self.attacks(condition, stage):
            e = self.rate(Side(condition, stage=stage, attack=attack))
            if e.value is not None and (found is None or found[1].value is None or e.value > found[1].value):
                found = (attack, e)
        return found


def read_run(directory: Path) -> Run:
    """Read a run directory; raises `DataError` when its configuration or outcomes are missing or damaged."""
    config = _read_json(directory / "config.json")
    if not isinstance(config, dict) or not all(name in config for name in ("preset", "config", "conditions", "seeds")):
        raise DataError(f"{directory / 'config.json'} must hold preset, config, conditions and seeds. Got another file.")
    outcomes = _read_table(directory / "outcomes.parquet")
    if outcomes is None:
        raise DataError(f"{directory / 'outcomes.parquet'} must exist: it is written when a run has been evaluated. Found nothing there.")
    optional = {name: path for name in ("environment", "timings", "corpora") if (path := directory / f"{name}.json").exists()}
    return Run(
        directory=directory,
        config=config,
        environment=_read_json(optional["environment"]) if "environment" in optional else {},
        outcomes=outcomes,
        measurements=_read_table(directory / "measurements.parquet"),
        reflections=_read_table(directory / "reflections.parquet"),
        timings=_read_json(optional["timings"]) if "timings" in optional else [],
        corpora=_read_json(optional["corpora"]) if "corpora" in optional else [],
    )


def analyse(run: Run) -> Study:
    """Compute every estimate and comparison of a run."""
    outcomes, solved = _split(run.outcomes)
    floor = UtilityFloor(outcomes)
    harm = {condition: holds_harm(condition, run.corpora) for condition in outcomes.conditions}
    results = compute_results(outcomes, floor, harm, run.measurements, run.reflections, solved)
    answered = compare(outcomes, floor, questions(outcomes, run.config["config"]["world"]["task"]))
    return Study(run, outcomes, floor, results, {c.question.name: c for c in answered}, harm, solved)


def _split(table: pa.Table) -> tuple[OutcomeTable, OutcomeTable | None]:
    """Return the rows of models and those of solvers, which are no models: no floor, comparison or attack is about them."""
    check_columns(table)
    groupings = find_groupings(table)
    solver = np.array([str(stage).startswith(STAGE) for stage in table.column("stage").to_pylist()], dtype=bool)
    if not solver.any():
        return OutcomeTable(table, groupings), None

    def part(chosen: NDArray[np.bool_]) -> OutcomeTable:
        return OutcomeTable(table.filter(pa.array(chosen)), tuple(grouping.where(chosen) for grouping in groupings))

    return part(~solver), part(solver)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise DataError(f"{path} must exist: it is written by a run. Found nothing there.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} must be a JSON file. Got one that cannot be read: {error}.") from None


def _read_table(path: Path) -> pa.Table | None:
    if not path.exists():
        return None
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} must be a parquet table. Got one that cannot be read: {error}.") from None
