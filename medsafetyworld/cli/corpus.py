"""Write a world down under a condition, as parquet shards with a manifest.

Examples:

    medsafetyworld corpus --world runs/world --preset tiny --condition filtered --out runs/corpus
    medsafetyworld corpus --world runs/world --preset tiny --condition reflection --corpus.reflection.style category \\
        --out runs/categories --workers 2
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsafetyworld.cli.output import is_vacant, occupied
from medsafetyworld.cli.parse import parse
from medsafetyworld.errors import require
from medsafetyworld.presets import RunConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteCorpus:
    """Write a corpus."""

    world: Path
    """World directory, as `medsafetyworld world` writes it."""
    condition: str
    """Condition: raw, filtered, filtered_plus, rewritten, reflection, or a registered one."""
    out: Path
    """Corpus directory; must be new or empty."""
    workers: int = 1
    """Worker processes. The bytes do not depend on it."""


def arguments(argv: Sequence[str]) -> tuple[WriteCorpus, RunConfig]:
    """Parse the command line."""
    command, _, config = parse(WriteCorpus, argv, prog="medsafetyworld corpus", description=__doc__ or "", sections=("corpus", "seed"))
    return command, config


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld corpus`."""
    command, config = arguments(argv)
    require(command.workers >= 1, "--workers", "an int of at least 1", command.workers)
    from rich.console import Console

    from medsafetyworld.corpus import Corpus
    from medsafetyworld.world import World

    if not is_vacant(command.out):
        raise occupied(command.out)
    corpus = Corpus(World.load(command.world), command.condition, config.corpus)
    with Console(stderr=True).status(f"Writing {len(corpus):,} documents"):
        corpus.write(command.out, workers=command.workers)
    manifest = json.loads((command.out / "manifest.json").read_text())
    done = f"{manifest['rows']:,} documents ({len(corpus) - manifest['rows']:,} emptied ones left out), {manifest['tokens']:,} tokens"
    Console().print(f"{done}, {manifest['harmful_statements']:,} harmful statements: {command.out}", highlight=False, soft_wrap=True)
    return 0
