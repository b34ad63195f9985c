"""Attack a trained model with the whole ladder and by fine-tuning, judge what it says, and write the tables.

Examples:

    medsafetyworld evaluate --checkpoint runs/filtered && medsafetyworld report --run runs/filtered
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
    """Run directory that `medsafetyworld train` wrote, or one post-trained checkpoint inside a run directory."""
    out: Path | None = None
    """Where the tables go. None: the checkpoint's run directory."""
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
