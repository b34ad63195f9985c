"""Turn the tables of a run into results.json, comparisons.json, figures and one self-contained report.html.

Example:

    medsafetyworld report --run runs/tiny
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsafetyworld.cli.parse import parse_command
from medsafetyworld.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Write the report of a run."""

    run: Path
    """Run directory, with config.json and outcomes.parquet."""


def arguments(argv: Sequence[str]) -> Report:
    """Parse the command line."""
    return parse_command(Report, argv, prog="medsafetyworld report", description=__doc__ or "")


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld report`."""
    command = arguments(argv)
    for name in ("config.json", "outcomes.parquet"):
        if not (command.run / name).is_file():
            raise DataError(f"--run must be a run directory with {name}. Got {str(command.run)!r}.")
    from rich.console import Console

    from medsafetyworld.analysis.report import write_report

    with Console(stderr=True).status("Computing intervals and drawing figures"):
        write_report(command.run)
    Console().print(f"Report: {command.run / 'report.html'}", highlight=False, soft_wrap=True)
    return 0
