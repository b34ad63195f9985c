"""Doing a task: its stages in order, each skipped where it is finished.

This runs in worker processes; torch is imported inside functions, so that importing this module stays quick.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medsafetyworld.corpus.conditions.registry import condition, resolve
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.pipeline.pool import Event, Report
from medsafetyworld.pipeline.run_directory import write_json, write_table
from medsafetyworld.pipeline.tasks import DONE, Task, finetune_plan, task_folders
from medsafetyworld.presets import RunConfig, to_dict
from medsafetyworld.world.world import World

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

    from medsafetyworld.training.loop import OnProgress, TrainSummary
    from medsafetyworld.training.precision import Precision
    from medsafetyworld.training.pretraining_data import PackedCorpus

ATTACKS_AFTER_FINETUNING = ("direct", "prefill_neutral", "prefill_outcome")


def run_task(task: Task, report: Report) -> dict[str, Any]:
    """Do what is missing of a task, and return what was measured about the machine."""
    missing = [folder for folder in task_folders(task) if not (folder / DONE).exists()]
    precision = _precision(task)
    if missing:
        work = _Work(task, report, precision)
        if task.kind == "pretrain":
            work.pretrain()
        elif task.kind == "read":
            work.read()
        else:
            work.posttrain()
            if task.evaluate:
                work.evaluate()
                for attack in finetune_plan(task.config):
                    work.finetune(*attack)
    report(Event(task.name, "finished", 1, 1, "" if missing else "(already done)"))
    return {"precision": asdict(precision)}


@lru_cache(maxsize=2)
def _world(config: RunConfig) -> tuple[World, PreTrainedTokenizerFast]:
    from medsafetyworld.training.tokenizer import build_tokenizer

    world = World.generate(config.world)
    return world, build_tokenizer(world)


@lru_cache(maxsize=2)
def _packed(config: RunConfig, name: str) -> PackedCorpus:
    """Return the rows on which a condition is pretrained."""
    from medsafetyworld.training.pretraining_data import PackedCorpus

    world, tokenizer = _world(config)
    return PackedCorpus(Corpus(world, name, config.corpus), tokenizer, config.pretrain)


def _precision(task: Task) -> Precision:
    """Return the number format of all stages of a run, measured by its first task."""
    from medsafetyworld.training.model import build_model
    from medsafetyworld.training.precision import agree_on_precision, load_precision, measure_precision

    file = task.out / f"number-format-{task.device}.json"
    found = load_precision(file)
    if found is not None:
        return found
    packed = _packed(task.config, task.condition)
    vocabulary = len(_world(task.config)[1])
    ids = {"end_of_text_id": packed.table.end_id, "padding_id": packed.table.padding_id}
    model = build_model(task.config.model, vocabulary, task.config.seed, device=task.device, **ids)
    return agree_on_precision(measure_precision(model, packed.rows(0, task.config.pretrain.batch_size)), file)


class _Work:
    """The stages of one task, each skipped where it is finished."""

    def __init__(self, task: Task, report: Report, precision: Precision) -> None:
        self.task, self.report, self.precision = task, report, precision
        self.config, self.condition = task.config, condition(task.condition)
        self.corpus_config = resolve(self.condition, task.config.corpus)
        self.world, self.tokenizer = _world(task.config)

    def pretrain(self) -> None:
        from medsafetyworld.training.stages import pretrain

        folder = self.task.pretrain_folder
        model, summary = pretrain(
            self.config,
            _packed(self.config, self.task.condition),
            vocabulary_size=len(self.tokenizer),
            out=_state_folder(folder),
            device=self.task.device,
            precision=self.precision,
            on_progress=self._show("pretraining"),
        )
        self._store_model(folder, model, summary, "pretrain")

    def read(self) -> None:
        from medsafetyworld.pipeline.corpora import store_answers, store_certificates

        task, seed = self.task, self.config.seed
        corpus = Corpus(self.world, task.condition, self.config.corpus)
        if not (task.corpus_folder / DONE).exists():
            self.report(Event(task.name, "certificates", 0, 1))
            started = time.perf_counter()
            counts = store_certificates(task.corpus_folder, corpus, seed)
            self._finish(task.corpus_folder, [self._seconds("certificates", started)], corpus=counts)
        for solver in task.solvers:
            folder = task.solver_folder(solver)
            if not (folder / DONE).exists():
                self.report(Event(task.name, f"solver {solver.name}", 0, 1))
                started = time.perf_counter()
                store_answers(folder, corpus, solver, seed)
                self._finish(folder, [self._seconds(solver.stage, started)])

    def posttrain(self) -> None:
        from medsafetyworld.training.checkpoint import load_checkpoint
        from medsafetyworld.training.stages import posttrain

        folder = self.task.posttrain_folder
        if (folder / DONE).exists():
            return
        model, _ = load_checkpoint(self.task.pretrain_folder, self.task.device)
        summary = posttrain(
            self.config,
            self.world,
            self.condition,
            model,
            self.tokenizer,
            _packed(self.config, self.task.condition),
            out=_state_folder(folder),
            precision=self.precision,
            on_progress=self._show("post-training"),
        )
        self._store_model(folder, model, summary, "sft")

    def evaluate(self) -> None:
        from medsafetyworld.evaluation.knowledge import evaluate_knowledge
        from medsafetyworld.evaluation.outcomes import evaluate_outcomes
        from medsafetyworld.evaluation.reflection_quality import evaluate_reflections
        from medsafetyworld.training.checkpoint import load_checkpoint

        folder = self.task.evaluation_folder
        if (folder / DONE).exists():
            return
        self.report(Event(self.task.name, "evaluation", 0, 1))
        model, tokenizer = load_checkpoint(self.task.posttrain_folder, self.task.device)
        about: dict[str, Any] = {"seed": self.config.seed, "stage": "sft"}
        settings = self.config.evaluation
        write_table(
            folder / "outcomes.parquet",
            evaluate_outcomes(model, tokenizer, self.world, self.condition, self.corpus_config, settings, **about),
        )
        write_table(folder / "measurements.parquet", evaluate_knowledge(model, tokenizer, self.world, self.condition, settings, **about))
        reflections = evaluate_reflections(model, tokenizer, self.world, self.condition, self.corpus_config, settings, **about)
        write_table(folder / "reflections.parquet", reflections)
        self._finish(folder, [])

    def finetune(self, kind: str, handling: str, checkpoints: tuple[int, ...]) -> None:
        import pyarrow as pa

        from medsafetyworld.attacks.registry import ATTACKS
        from medsafetyworld.evaluation.outcomes import evaluate_outcomes
        from medsafetyworld.training.checkpoint import load_checkpoint
        from medsafetyworld.training.stages import finetune

        folder = self.task.finetune_folder(kind, handling, checkpoints)
        if (folder / DONE).exists():
            return
        model, tokenizer = load_checkpoint(self.task.posttrain_folder, self.task.device)
        attacks = tuple(ATTACKS[name] for name in ATTACKS_AFTER_FINETUNING)
        tables: list[pa.Table] = []

        def attack(step: int) -> None:
            stage = f"{kind}_{handling}@{step}"
            tables.append(
                evaluate_outcomes(
                    model,
                    tokenizer,
                    self.world,
                    self.condition,
                    self.corpus_config,
                    self.config.evaluation,
                    seed=self.config.seed,
                    stage=stage,
                    attacks=attacks,
                )
            )

        summary = finetune(
            self.config,
            self.world,
            self.condition,
            model,
            tokenizer,
            kind=kind,
            handling=handling,
            snapshot_steps=checkpoints,
            on_snapshot=attack,
            precision=self.precision,
            on_progress=self._show(f"{kind} fine-tuning ({handling})"),
        )
        write_table(folder / "outcomes.parquet", pa.concat_tables(tables))
        self._finish(folder, [self._timing(f"{kind}_{handling}", model, summary)])

    def _store_model(self, folder: Path, model: LlamaForCausalLM, summary: TrainSummary, stage: str) -> None:
        from medsafetyworld.training.checkpoint import save_checkpoint

        save_checkpoint(folder, model, self.tokenizer)
        shutil.copy(_state_folder(folder) / "metrics.jsonl", folder / "metrics.jsonl")
        self._finish(folder, [self._timing(stage, model, summary)])
        shutil.rmtree(_state_folder(folder))

    def _timing(self, stage: str, model: LlamaForCausalLM, summary: TrainSummary) -> dict[str, Any]:
        return {
            "seed": self.config.seed,
            "condition": self.task.condition,
            "stage": stage,
            "seconds": round(summary.seconds, 2),
            "tokens": summary.tokens,
            "tokens_per_second": round(summary.tokens_per_second),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "final_loss": summary.final_loss,
        }

    def _seconds(self, stage: str, started: float) -> dict[str, Any]:
        seconds = round(time.perf_counter() - started, 2)
        return {"seed": self.config.seed, "condition": self.task.condition, "stage": stage, "seconds": seconds}

    def _finish(self, folder: Path, timings: list[dict[str, Any]], **more: Any) -> None:
        write_json(folder / DONE, {"condition": self.task.condition, "config": to_dict(self.config), "timings": timings, **more})

    def _show(self, stage: str) -> OnProgress:
        def show(progress: Any) -> None:
            note = f"{progress.tokens_per_second:,.0f} tokens/s, loss {progress.loss:.3f}"
            self.report(Event(self.task.name, stage, progress.step, progress.total_steps, note))

        return show


def _state_folder(folder: Path) -> Path:
    """Return where an unfinished stage keeps what it needs to go on."""
    return folder.with_name(f"{folder.name}.state")
