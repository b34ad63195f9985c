"""What an interrupted stage needs to go on as if it had never stopped."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from medsafetyworld.errors import DataError
from medsafetyworld.training.config import StageConfig

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

STATE_FILE = "training_state.pt"


@dataclass(slots=True)
class Progress:
    """How far a stage is."""

    step: int = 0
    """Optimizer steps done."""
    total_steps: int = 0
    tokens: int = 0
    """Tokens predicted so far."""
    loss: float = float("nan")
    """Mean loss of the steps up to the last report, in nats a token."""
    seconds: float = 0.0
    """Time spent, interruptions left out."""

    @property
    def tokens_per_second(self) -> float:
        """Predicted tokens a second over the whole stage."""
        return self.tokens / self.seconds if self.seconds > 0 else 0.0


def save_state(
    directory: Path,
    model: LlamaForCausalLM,
    optimizers: list[Optimizer],
    stage: StageConfig,
    dtype: str,
    progress: Progress,
    recent: list[Tensor],
) -> None:
    """Write the state of a stage into `directory` in one atomic step; `recent` are the losses that no report holds yet."""
    content = {
        "stage": asdict(stage),
        "dtype": dtype,
        "progress": asdict(progress),
        "recent": [float(loss) for loss in recent],
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "random": torch.get_rng_state(),
    }
    partial = directory / f".{STATE_FILE}.partial"
    torch.save(content, partial)
    os.replace(partial, directory / STATE_FILE)


def load_state(
    directory: Path, model: LlamaForCausalLM, optimizers: list[Optimizer], stage: StageConfig, dtype: str, total_steps: int
) -> tuple[Progress, list[Tensor]]:
    """Restore what `save_state` wrote and return its progress and recent losses, or those of a beginning where nothing was written.

    Raises:
        DataError: the state is damaged, or of another stage configuration, number of steps, number format or model.
    """
    file = directory / STATE_FILE
    if not file.exists():
        return Progress(total_steps=total_steps), []
    try:
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DataError(f"training state must be a file that a stage wrote. Got {str(file)!r} ({error.__class__.__name__}).") from error
    wanted = {"stage": asdict(stage), "dtype": dtype, "total_steps": total_steps}
    found = {"stage": content["stage"], "dtype": content["dtype"], "total_steps": content["progress"]["total_steps"]}
    if found != wanted:
        raise DataError(f"training state {str(file)!r} must be of this stage: {wanted}. Got {found}.")
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in content["model"].items()}:
        raise DataError(f"training state {str(file)!r} must be of a model of this shape. Got another.")
    model.load_state_dict(content["model"])
    for optimizer, state in zip(optimizers, content["optimizers"], strict=True):
        optimizer.load_state_dict(state)
    torch.set_rng_state(content["random"])
    return Progress(**content["progress"]), [torch.tensor(loss) for loss in content["recent"]]


def discard_state(directory: Path) -> None:
    """Remove the state of a stage whose result is safely stored."""
    (directory / STATE_FILE).unlink(missing_ok=True)
