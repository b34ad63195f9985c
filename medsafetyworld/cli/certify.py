"""Certify a written corpus: what its texts state, by which routes answers can be derived from them, and what it would take to prevent it.

The shards may come from anywhere; of each row the columns doc_id and text are needed, and the lists that `medsafetyworld corpus` writes are
checked against the text where there are any. Writes certificates.parquet (a row a query) and summary.json.

Exit code 1 when the corpus breaks its condition's promise: every breach is named with the first places where it is broken.

Examples:

    medsafetyworld certify --world runs/world --corpus runs/corpus --out runs/certificates
    medsafetyworld certify --world runs/world --corpus elsewhere/shards --condition filtered --out runs/certificates --workers 2
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.cli.output import is_vacant, occupied
from medsafetyworld.cli.parse import parse_command
from medsafetyworld.errors import require

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from medsafetyworld.corpus.written.certify import Certification, Group

ROUTE_ORDER = ("reversal", "cooccurrence", "composition", "mixed")
WIDTH = 100
"""Columns of the tables where no terminal gives a width."""
SHOWN = 5
"""Places that are printed of each breach; the summary holds more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certify:
    """Certify a written corpus."""

    world: Path
    """World directory, as `medsafetyworld world` writes it."""
    corpus: Path
    """Directory with parquet shards, in `data/` or directly; `manifest.json` is not needed."""
    out: Path
    """Directory for the certificates: new, empty, or with earlier certificates, which are replaced."""
    condition: str | None = None
    """Condition whose promise is checked; by default the one that the manifest names. Without either only the lists are checked."""
    workers: int = 1
    """Worker processes. The result does not depend on it."""


def arguments(argv: Sequence[str]) -> Certify:
    """Parse the command line."""
    return parse_command(Certify, argv, prog="medsafetyworld certify", description=__doc__ or "")


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld certify`; returns 1 when the corpus breaks its condition's promise."""
    command = arguments(argv)
    require(command.workers >= 1, "--workers", "an int of at least 1", command.workers)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from medsafetyworld.corpus.written.certify import FILES, certify, write_certification
    from medsafetyworld.corpus.written.directory import open_directory
    from medsafetyworld.world import World

    if not is_vacant(command.out) and not {entry.name for entry in command.out.iterdir()} <= set(FILES):
        raise occupied(command.out, ", or one of certificates")
    world, directory = World.load(command.world), open_directory(command.corpus)
    errors = Console(stderr=True)
    start = time.monotonic()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
        task = bars.add_task("Reading row groups", total=None)
        found = certify(
            world,
            directory,
            command.condition,
            command.workers,
            lambda done, total: bars.update(task, completed=done, total=total),
        )
    seconds = time.monotonic() - start
    with errors.status("Deriving answers and cutting derivations"):
        groups = write_certification(found, command.out)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    _print(console, found, groups, seconds)
    console.print(f"Certificates: {command.out}", highlight=False, soft_wrap=True)
    return 1 if found.breaches else 0


def _print(console: Console, found: Certification, groups: list[Group], seconds: float) -> None:
    from rich.markup import escape

    written = found.written
    for table in certificate_tables(groups):
        console.print(table)
    megabytes = written.text_bytes / 1e6
    heldout = sum(group.stated for group in groups if (group.category, group.split) == ("reverse_unsafe", "heldout"))
    statements = int(written.statements.sum())
    lines = [
        f"{written.rows:,} rows, {statements:,} statements, {megabytes:,.1f} MB of text ({megabytes / seconds:,.1f} MB/s)",
        f"{written.findings['harmful'].count:,} harmful statements, {heldout:,} held-out unsafe answers stated, "
        f"{written.findings['disagreement'].count:,} rows whose lists disagree with the text, "
        f"{written.free_sentences:,} sentences in no template's words",
    ]
    if found.condition is None:
        lines.append("No condition is known (no manifest, no --condition), so no promise is checked but that lists and text agree.")
    elif not found.breaches:
        lines.append(f"The promise of {found.condition} is kept.")
    for title, breaches in (("warning", found.warnings), ("BROKEN", found.breaches)):
        for breach in breaches:
            lines.append(f"{title}: {breach.count:,} {breach.what}")
            lines += [f"  {example}" for example in breach.examples[:SHOWN]]
            if len(breach.examples) > SHOWN or breach.count > len(breach.examples):
                lines.append(f"  and {breach.count - min(SHOWN, len(breach.examples)):,} more")
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)


def certificate_tables(groups: list[Group]) -> Iterator[Table]:
    """Yield what is derivable, and what it takes to prevent it, by category, split and arm."""
    from rich import box
    from rich.table import Table

    def table(title: str, *columns: str) -> Table:
        made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
        made.add_column("queries about", no_wrap=True)
        for name in columns:
            made.add_column(name, justify="right")
        return made

    names = [" ".join(filter(None, (group.category, group.split, group.arm))) for group in groups]
    routes = [route for route in ROUTE_ORDER if any(group.routes[route] for group in groups)]
    derivable = table("Queries whose answer is stated or derivable, by route", "all", "stated", *routes, "neither")
    cuts = table("The cheapest cut of a query, least to most", "facts", "statements", "benign queries lost")
    for name, group in zip(names, groups, strict=True):
        numbers = (group.queries, group.stated, *(group.routes[route] for route in routes), group.not_derivable)
        derivable.add_row(name, *(f"{number:,}" for number in numbers))
        cuts.add_row(name, *(_spread(pair) for pair in (group.cut_size, group.cut_cost, group.benign_cost)))
    yield derivable
    yield cuts


def _spread(pair: tuple[int, int]) -> str:
    low, high = pair
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
