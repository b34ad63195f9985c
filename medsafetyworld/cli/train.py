"""Pretrain and post-train one model under a condition. A second call with the same flags continues an interrupted one.

Examples:

    medsafetyworld train --preset smoke --condition filtered --out runs/filtered
    medsafetyworld train --preset tiny --condition reflection --seed 3 --pretrain.batch-size 8 --out runs/reflection-3
    medsafetyworld train --preset compact --condition reflection --device cuda --out runs/compact
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsafetyworld.cli.device import Device, require_device
from medsafetyworld.cli.parse import parse
from medsafetyworld.presets import RunConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Train:
    """Train one model."""

    condition: str
    """Condition: raw, filtered, filtered_plus, rewritten, reflection, or a registered one."""
    out: Path
    """Run directory; must be new or empty, or hold this same run."""
    device: Device = "cpu"
    """Where torch computes."""


def arguments(argv: Sequence[str]) -> tuple[Train, str, RunConfig]:
    """Parse the command line."""
    command, preset, config = parse(Train, argv, prog="medsafetyworld train", description=__doc__ or "")
    return command, preset, config


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld train`."""
    command, preset, config = arguments(argv)
    from medsafetyworld.corpus import condition

    condition(command.condition)
    require_device(command.device)
    from medsafetyworld.pipeline.single import train_condition

    train_condition(config, command.condition, command.out, preset=preset, device=command.device)
    return 0
