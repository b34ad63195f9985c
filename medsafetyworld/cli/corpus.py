"""Write a world down under a condition, as parquet shards with a manifest and a data card.

An interrupted export is continued by the same command. A finished one is verified by its hashes; a shard that is damaged or missing is
named and written again. A directory that holds an export of another world, condition or configuration is refused and left as it is:
give another --out, or delete it.

Examples:

    medsafetyworld corpus --world runs/world --preset tiny --condition filtered --out runs/corpus
    medsafetyworld corpus --world runs/world --preset tiny --condition reflection --corpus.reflection.style category \\
        --out runs/categories --workers 2
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.cli.parse import parse
from medsafetyworld.errors import require
from medsafetyworld.presets import RunConfig

if TYPE_CHECKING:
    from rich.console import Console

    from medsafetyworld.corpus.export import Shard, Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteCorpus:
    """Write a corpus."""

    world: Path
    """World directory, as `medsafetyworld world` writes it."""
    condition: str
    """Condition: raw, filtered, filtered_plus, rewritten, reflection, or a registered one."""
    out: Path
    """Corpus directory; new, empty, or an export with the same settings."""
    workers: int = 1
    """Worker processes. The bytes do not depend on it."""
    shard_documents: int = 50_000
    """Documents a shard, emptied ones included. Memory grows with it, not with the corpus."""


def arguments(argv: Sequence[str]) -> tuple[WriteCorpus, RunConfig]:
    """Parse the command line."""
    command, _, config = parse(WriteCorpus, argv, prog="medsafetyworld corpus", description=__doc__ or "", sections=("corpus", "seed"))
    return command, config


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld corpus`."""
    command, config = arguments(argv)
    require(command.workers >= 1, "--workers", "an int of at least 1", command.workers)
    require(command.shard_documents >= 1, "--shard-documents", "an int of at least 1", command.shard_documents)
    from rich.console import Console

    from medsafetyworld.corpus import Corpus
    from medsafetyworld.corpus.export import shard_count, write
    from medsafetyworld.world import World

    corpus = Corpus(World.load(command.world), command.condition, config.corpus)
    states: list[str] = []
    with _progress(shard_count(corpus, command.shard_documents), states, Console(stderr=True)) as watch:
        write(corpus, command.out, command.workers, command.shard_documents, watch)
    manifest = json.loads((command.out / "manifest.json").read_text())
    done = f"{manifest['rows']:,} documents ({len(corpus) - manifest['rows']:,} emptied ones left out), {manifest['tokens']:,} tokens"
    kept = states.count("kept")
    shards = f"{len(states):,} shards" + (f" ({kept:,} of them written before, verified)" if kept else "")
    line = f"{done}, {manifest['harmful_statements']:,} harmful statements in {shards}: {command.out}"
    Console().print(line, highlight=False, soft_wrap=True, markup=False)
    return 0


@contextmanager
def _progress(shards: int, states: list[str], console: Console) -> Iterator[Watch]:
    """Yield what shows each shard as it is done: a bar with text written a second and time left, and a line for each one that was lost.

    The state of each shard is added to `states`.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("shards", total=shards, speed="")
        written = 0

        def show(shard: Shard) -> None:
            nonlocal written
            states.append(shard.state)
            if shard.state in ("missing", "damaged"):
                console.print(f"{shard.record['file']} was {shard.state}; written again", highlight=False, soft_wrap=True, markup=False)
            if shard.state != "kept":
                written += shard.record["text_bytes"]
            elapsed = bars.tasks[0].elapsed or 0.0
            speed = f"{written / elapsed / 1e6:.0f} MB/s of text" if written and elapsed > 0 else ""
            bars.update(task, advance=1, speed=speed)

        yield show
