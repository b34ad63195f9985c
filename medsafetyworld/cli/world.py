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

from medsafetyworld.cli.output import is_vacant, refuse, whole_directory
from medsafetyworld.cli.parse import parse


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawWorld:
    """Draw a world and save it."""

    out: Path
    """World directory. One that already holds the same world is left as it is."""


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld world`."""
    command, _, config = parse(DrawWorld, argv, prog="medsafetyworld world", description=__doc__ or "", sections=("world", "seed"))
    from rich.console import Console

    from medsafetyworld.cli.tables import world_tables
    from medsafetyworld.world import World

    vacant = is_vacant(command.out)
    if not vacant and not (command.out / "world.json").is_file():
        raise refuse(command.out, "a directory of this world")
    with Console(stderr=True).status("Drawing the world"):
        if vacant:
            world = World.generate(config.world)
            with whole_directory(command.out) as folder:
                world.save(folder)
        else:
            world = World.load(command.out)
            if world.config != config.world:
                raise refuse(command.out, "a directory of this world")
    console = Console()
    for table in world_tables(world):
        console.print(table)
    console.print(
        f"World {world.content_hash[:12]} {'saved in' if vacant else 'was already in'} {command.out}", highlight=False, soft_wrap=True
    )
    return 0
