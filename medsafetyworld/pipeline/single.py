"""One model, step by step: what `medsafetyworld train` and `medsafetyworld evaluate` do, in the same run directory as an experiment."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.errors import DataError
from medsafetyworld.pipeline.experiment import run_experiment
from medsafetyworld.pipeline.gather import gather
from medsafetyworld.pipeline.progress import show_progress
from medsafetyworld.pipeline.run_directory import environment, open_run, read_json, write_json
from medsafetyworld.pipeline.tasks import DONE, Task, corpora_of, make_tasks, task_folders
from medsafetyworld.pipeline.work import run_task
from medsafetyworld.presets import RunConfig, from_dict


def train_condition(config: RunConfig, name: str, out: Path, *, preset: str, device: str = "cpu") -> None:
    """Pretrain and post-train one model of condition `name` into the run directory `out`; continues an interrupted call.

    Raises:
        ConfigError: an unknown condition.
        DataError: `out` holds something that is not a run.
    """
    run_experiment(
        out, experiment="single model", preset=preset, configs=[config], conditions=[name], device=device, workers=1, evaluate=False
    )
    task = make_tasks(out, [config], [name], device=device, evaluate=False)[-1]
    Console(stderr=True).print(f"Checkpoint: {task.posttrain_folder}", highlight=False, soft_wrap=True)


def evaluate_checkpoint(checkpoint: Path, out: Path | None = None, *, device: str = "cpu") -> None:
    """Attack a trained model with the ladder and by fine-tuning, and write the tables.

    Args:
        checkpoint: a run directory that `train_condition` wrote, or one post-trained checkpoint inside a run directory.
        out: where the tables, `config.json` and `environment.json` go; None: the run directory of the checkpoint.
        device: torch device.

    Raises:
        DataError: `checkpoint` holds no post-trained model, or `out` holds something that is not a run.
    """
    tasks = _tasks(checkpoint, device)
    run = tasks[0].out
    models = [task for task in tasks if task.kind == "posttrain"]
    for task in models:
        if not (task.posttrain_folder / DONE).exists():
            raise DataError(
                f"--checkpoint must hold a post-trained model; train it first. Got {str(checkpoint)!r}, which lacks {task.name!r}."
            )
    target = run if out is None else out
    open_run(target)
    with show_progress(len(tasks), Console(stderr=True)) as show:
        facts = [run_task(task, show) for task in tasks]
    if target != run:
        shutil.copy(run / "config.json", target / "config.json")
    write_json(target / "environment.json", environment(device=device, **facts[0]))
    rows = gather(
        target, {None: [folder for task in tasks for folder in task_folders(task)]}, corpora_of(task.condition for task in models)
    )
    Console(stderr=True).print(f"{rows['outcomes']:,} judged completions in {target / 'outcomes.parquet'}", highlight=False, soft_wrap=True)


def _tasks(checkpoint: Path, device: str) -> list[Task]:
    """Return the models to evaluate, all of a run directory or the one whose checkpoint is named, and the corpora that they read."""
    if (checkpoint / DONE).exists():
        stage = read_json(checkpoint / DONE)
        config = from_dict(stage["config"], RunConfig)
        task = Task("posttrain", stage["condition"], config, checkpoint.resolve().parents[1], device, True)
        if task.posttrain_folder != checkpoint.resolve():
            raise DataError(f"--checkpoint must be a post-trained model inside its run directory. Got {str(checkpoint)!r}.")
        return [task, replace(task, kind="read", condition=condition(task.condition).corpus)]
    described = read_json(checkpoint / "config.json") if (checkpoint / "config.json").exists() else {}
    if "conditions" not in described:
        raise DataError(f"--checkpoint must be a run directory, or a checkpoint in one. Got {str(checkpoint)!r}, which is neither.")
    config = from_dict(described["config"], RunConfig)
    return [
        task for task in make_tasks(checkpoint, [config], described["conditions"], device=device, evaluate=True) if task.kind != "pretrain"
    ]
