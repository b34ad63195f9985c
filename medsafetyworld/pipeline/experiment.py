"""Many conditions and seeds as one resumable run: tasks, worker processes, tables, report."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.errors import require
from medsafetyworld.evaluation.solvers import Solver
from medsafetyworld.pipeline.gather import gather
from medsafetyworld.pipeline.pool import run_tasks
from medsafetyworld.pipeline.progress import show_progress
from medsafetyworld.pipeline.run_directory import describe_run, environment, open_run, write_json
from medsafetyworld.pipeline.tasks import Task, corpora_of, make_tasks, task_folders
from medsafetyworld.pipeline.work import run_task
from medsafetyworld.presets import RunConfig
from medsafetyworld.world.config import WorldConfig
from medsafetyworld.world.schema import resolve_hops
from medsafetyworld.world.splits import split_sizes


def default_workers(device: str) -> int:
    """Return the number of worker processes: one a core on a CPU (the fastest layout for small models), one on an accelerator."""
    return len(os.sched_getaffinity(0)) if device == "cpu" else 1


def run_experiment(
    out: Path,
    *,
    experiment: str,
    preset: str,
    configs: Sequence[RunConfig],
    conditions: Sequence[str],
    device: str = "cpu",
    workers: int | None = None,
    evaluate: bool = True,
    by_depth: bool = False,
    solvers: Sequence[Solver] = (),
) -> None:
    """Train and evaluate every condition on every seed into `out`, and write the report. A second call does only what is missing.

    Args:
        out: run directory (design: `config.json`, `environment.json`, tables, `checkpoints/`, figures, report).
        experiment: name of the experiment, for the report.
        preset: name of the preset from which `config` was made.
        configs: the resolved configuration with each seed; a seed draws a world and an initialisation together, shared by all conditions.
            With `by_depth`, of each number of hops.
        conditions: names of conditions, built in or registered.
        device: torch device of training and decoding.
        workers: number of processes; None takes `default_workers`.
        evaluate: False trains only, and writes neither tables nor a report.
        by_depth: the configurations differ in their hops, which take the place of the stage in the tables ("3-hop world").
        solvers: what else answers the queries from each corpus, as ceilings and floors beside the models.

    Raises:
        ConfigError: an unknown or repeated condition, no seed, no worker, two solvers of one name, or a world in which some question
            cannot be asked.
        DataError: `out` holds something that is not a run.
    """
    for name in conditions:
        condition(name)
    require(
        len(conditions) > 0 and len(set(conditions)) == len(conditions), "conditions", "one or more different conditions", list(conditions)
    )
    draws = [(config.seed, _hops(config) if by_depth else None) for config in configs]
    seeds = list(dict.fromkeys(seed for seed, _ in draws))
    require(len(draws) > 0 and len(set(draws)) == len(draws), "seeds", "one or more different seeds", [seed for seed, _ in draws])
    depths: dict[int, RunConfig] = {}
    for config in configs:
        depths.setdefault(_hops(config), config)
    if evaluate:
        for config in depths.values():
            _require_questions(config.world)
    names = [solver.name for solver in solvers]
    require(len(set(names)) == len(names), "solvers", "solvers of different names", names)
    count = default_workers(device) if workers is None else workers
    require(count >= 1, "workers", "an int of at least 1", count)
    open_run(out)
    describe_run(
        out,
        experiment=experiment,
        preset=preset,
        conditions=conditions,
        seeds=seeds,
        config=configs[0],
        depths=depths if by_depth else None,
    )
    started = time.time()
    tasks = make_tasks(out, configs, conditions, device=device, evaluate=evaluate, solvers=solvers)
    console = Console(stderr=True)
    threads = 1 if count > 1 else max(1, default_workers("cpu"))
    write_json(out / "environment.json", environment(device=device, workers=count, threads=threads))
    with show_progress(len(tasks), console) as show:
        done = run_tasks(
            tasks, run_task, name=lambda task: task.name, needs=lambda task: task.needs, workers=count, threads=threads, on_event=show
        )
    facts = next(iter(done.values()))
    write_json(
        out / "environment.json",
        environment(device=device, workers=count, threads=threads, last_call_seconds=round(time.time() - started, 1), **facts),
    )
    if evaluate:
        finish(out, tasks, conditions, console, by_depth=by_depth)


def _hops(config: RunConfig) -> int:
    return resolve_hops(config.world.task, config.world.hops)


def _require_questions(world: WorldConfig) -> None:
    """Raise `ConfigError`, before hours of training, unless safe and unsafe outcomes are both queried in training and held out."""
    sizes = split_sizes(world)
    counts = {
        "seen unsafe": sizes.unsafe - sizes.heldout_unsafe,
        "held-out unsafe": sizes.heldout_unsafe,
        "seen safe": world.outcomes - sizes.unsafe - sizes.heldout_safe,
        "held-out safe": sizes.heldout_safe,
    }
    for kind, count in counts.items():
        given = (world.outcomes, world.unsafe_fraction, world.heldout_fraction)
        require(count > 0, "WorldConfig.outcomes, unsafe_fraction, heldout_fraction", f"such that there is a {kind} outcome", given)


def finish(out: Path, tasks: Sequence[Task], conditions: Sequence[str], console: Console, *, by_depth: bool = False) -> None:
    """Gather the tables of finished tasks and write results, comparisons, figures and the report."""
    from medsafetyworld.analysis.labels import depth_stage
    from medsafetyworld.analysis.report import write_report

    groups: dict[str | None, list[Path]] = {}
    for task in tasks:
        groups.setdefault(depth_stage(_hops(task.config)) if by_depth else None, []).extend(task_folders(task))
    rows = gather(out, groups, corpora_of(conditions))
    write_report(out)
    console.print(f"{rows.get('outcomes', 0):,} judged completions. Report: {out / 'report.html'}", highlight=False, soft_wrap=True)
