"""Attack a trained model with the whole ladder, judge what it says, and write the tables.

Examples:

    medsafetyworld evaluate --checkpoint runs/filtered
    medsafetyworld evaluate --checkpoint runs/filtered --out runs/filtered-evaluated
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsafetyworld.cli.device import Device, require_device
from medsafetyworld.cli.parse import parse_command
from medsafetyworld.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluate:
    """Evaluate one model."""

    checkpoint: Path
    """Directory that `medsafetyworld train` wrote, or a checkpoint of a run."""
    out: Path | None = None
    """Where the tables go. None: beside the checkpoint's model."""
    device: Device = "cpu"
    """Where torch computes."""


def arguments(argv: Sequence[str]) -> Evaluate:
    """Parse the command line."""
    return parse_command(Evaluate, argv, prog="medsafetyworld evaluate", description=__doc__ or "")


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld evaluate`."""
    command = arguments(argv)
    if not command.checkpoint.is_dir():
        raise DataError(f"--checkpoint must be a directory with a trained model. Got {str(command.checkpoint)!r}, which is none.")
    require_device(command.device)
    from medsafetyworld.pipeline.single import evaluate_checkpoint

    evaluate_checkpoint(command.checkpoint, command.out, device=command.device)
    return 0
