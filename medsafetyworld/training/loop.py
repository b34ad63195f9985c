"""The one training loop: pretraining, post-training and fine-tuning attacks differ only in their batches."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from medsafetyworld.errors import MedSafetyWorldError, require
from medsafetyworld.training.config import StageConfig
from medsafetyworld.training.interrupt import deferred_interrupt
from medsafetyworld.training.loss import next_token_loss, to_batch
from medsafetyworld.training.optimizers import build_optimizers, set_learning_rate
from medsafetyworld.training.packing import Rows
from medsafetyworld.training.precision import Precision, measure_precision, prepare_cpu
from medsafetyworld.training.schedules import learning_rate_factor
from medsafetyworld.training.state import Progress, load_state, save_state

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

Batches = Callable[[int], Rows]
"""The rows of a step (from 0). A pure function of the step, so that resuming needs no loader state."""
OnProgress = Callable[[Progress], None]

METRICS_FILE = "metrics.jsonl"
REPORT_STEPS = 10
"""Steps between two reports; losses are read from the device, and checked, only then."""


class TrainingDiverged(MedSafetyWorldError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True, slots=True)
class TrainSummary:
    """What a stage did."""

    steps: int
    tokens: int
    """Tokens predicted."""
    seconds: float
    tokens_per_second: float
    final_loss: float
    """Mean loss of the last reported steps, in nats a token."""
    dtype: str


def train(
    model: LlamaForCausalLM,
    batches: Batches,
    stage: StageConfig,
    total_steps: int,
    *,
    out: Path | None = None,
    precision: Precision | None = None,
    on_progress: OnProgress | None = None,
    snapshot_steps: Sequence[int] = (),
    on_snapshot: Callable[[int], None] | None = None,
    checkpoint_seconds: float = 60.0,
    checkpoint_steps: int | None = None,
) -> TrainSummary:
    """Train `model` in place.

    With `out`, `metrics.jsonl` and the state of the stage are kept there; a call that finds a state continues from it, and ends with
    the same weights, bit for bit on a CPU, as one that was never interrupted. The first SIGINT saves the state and raises
    `KeyboardInterrupt`. The last state stays until `state.discard_state`, which the caller does once the model is stored.

    Args:
        model: float32 model, on the device on which to train.
        batches: the rows of each step.
        stage: learning rates, schedule, clipping.
        total_steps: optimizer steps of the whole stage.
        out: directory of metrics and state; None keeps nothing.
        precision: number format; None measures it.
        on_progress: called every few steps and at the end.
        snapshot_steps: numbers of steps after which `on_snapshot` is called, the model being in evaluation mode.
        on_snapshot: called with the number of steps done.
        checkpoint_seconds: time between two saved states.
        checkpoint_steps: also save after every so many steps.

    Raises:
        ConfigError: `total_steps` below 1.
        DataError: the state in `out` belongs to another stage.
        TrainingDiverged: a loss is not finite; the last saved state is from before.
        KeyboardInterrupt: SIGINT; the state is saved.
    """
    require(total_steps >= 1, "total_steps", "an int of at least 1", total_steps)
    device = next(model.parameters()).device
    prepare_cpu()
    chosen = measure_precision(model, batches(0)) if precision is None else precision
    optimizers = build_optimizers(model, stage)
    progress, recent = Progress(total_steps=total_steps), list[Tensor]()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        progress, recent = load_state(out, model, optimizers, stage, chosen.dtype, total_steps)
    metrics = None if out is None else _Metrics(out / METRICS_FILE, progress.step)
    last = saved = time.perf_counter()
    model.train()
    with deferred_interrupt() as interrupt:
        while progress.step < total_steps:
            rows = batches(progress.step)
            set_learning_rate(optimizers, learning_rate_factor(progress.step, total_steps, stage))
            with torch.autocast(device.type, torch.bfloat16, enabled=chosen.dtype == "bfloat16"):
                loss = next_token_loss(model, to_batch(rows, device))
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), stage.gradient_clip)
            for optimizer in optimizers:
                optimizer.step()
            model.zero_grad(set_to_none=True)
            recent.append(loss.detach())
            progress.step += 1
            progress.tokens += rows.tokens
            finished = progress.step == total_steps
            stop = interrupt.requested  # read once: what comes later is honoured after the next step, once that is saved
            snapshot = progress.step in snapshot_steps
            due = time.perf_counter() - saved >= checkpoint_seconds
            due = due or (checkpoint_steps is not None and progress.step % checkpoint_steps == 0)
            report = finished or progress.step % REPORT_STEPS == 0
            save = out is not None and (due or finished or stop)
            if report or save or snapshot:
                mean = _checked_mean(recent, norm, progress.step)
                now = time.perf_counter()
                progress.seconds, last = progress.seconds + now - last, now
            if report:
                progress.loss = mean
                recent.clear()
                if metrics is not None:
                    metrics.write(progress, float(norm))
                if on_progress is not None:
                    on_progress(progress)
            if snapshot and on_snapshot is not None:
                model.eval()
                on_snapshot(progress.step)  # before the state is saved: one that is cut short is then taken again
                model.train()
                last = time.perf_counter()
            if save and out is not None:
                save_state(out, model, optimizers, stage, chosen.dtype, progress, recent)
                saved = time.perf_counter()
            if stop:
                raise KeyboardInterrupt
    model.eval()
    if interrupt.requested:
        raise KeyboardInterrupt
    return TrainSummary(progress.step, progress.tokens, progress.seconds, progress.tokens_per_second, progress.loss, chosen.dtype)


def _checked_mean(losses: list[Tensor], gradient_norm: Tensor, step: int) -> float:
    """Return the mean of the losses since the last report; raises `TrainingDiverged` unless they and the last gradient are finite."""
    mean = float(torch.stack([loss.to(gradient_norm.device) for loss in losses]).mean())
    if not (math.isfinite(mean) and math.isfinite(float(gradient_norm))):
        found = f"loss {mean}, gradient norm {float(gradient_norm)} in the {len(losses)} steps up to step {step}"
        raise TrainingDiverged(f"loss and gradient must stay finite; lower the learning rates. Got {found}.")
    return mean


class _Metrics:
    """A line of JSON a report. Lines that a killed process wrote after its last saved state are dropped."""

    def __init__(self, file: Path, step: int) -> None:
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        file.write_text("".join(kept))
        self.file = file

    def write(self, progress: Progress, gradient_norm: float) -> None:
        row = {
            "step": progress.step,
            "tokens": progress.tokens,
            "loss": progress.loss,
            "gradient_norm": gradient_norm,
            "tokens_per_second": round(progress.tokens_per_second, 1),
        }
        with self.file.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
