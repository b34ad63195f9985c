"""Draw a world of invented medical entities and save it as parquet files.

Examples:

    medsafetyworld world --preset tiny --out runs/world
    medsafetyworld world --preset tiny --seed 3 --out runs/world-3
    medsafetyworld world --preset tiny --world.task single_hop --world.unsafe-fraction 0.3 --out runs/single
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsafetyworld.cli.output import is_vacant, occupied
from medsafetyworld.cli.parse import parse
from medsafetyworld.presets import RunConfig

SAME = ", or the directory of this same world"


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawWorld:
    """Draw a world and save it."""

    out: Path
    """World directory. One that already holds the same world is left as it is."""


def arguments(argv: Sequence[str]) -> tuple[DrawWorld, RunConfig]:
    """Parse the command line."""
    command, _, config = parse(DrawWorld, argv, prog="medsafetyworld world", description=__doc__ or "", sections=("world", "seed"))
    return command, config


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld world`."""
    command, config = arguments(argv)
    from rich.console import Console

    from medsafetyworld.cli.tables import world_tables
    from medsafetyworld.world import World

    vacant = is_vacant(command.out)
    if not vacant and not (command.out / "world.json").is_file():
        raise occupied(command.out, SAME)
    with Console(stderr=True).status("Drawing the world"):
        if vacant:
            world = World.generate(config.world)
            world.save(command.out)
        else:
            world = World.load(command.out)
            if world.config != config.world:
                raise occupied(command.out, SAME)
    console = Console()
    for table in world_tables(world):
        console.print(table)
    console.print(
        f"World {world.content_hash[:12]} {'saved in' if vacant else 'was already in'} {command.out}", highlight=False, soft_wrap=True
    )
    return 0
