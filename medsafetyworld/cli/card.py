"""Write one data card for corpora that lie beside each other, a folder each, as `medsafetyworld corpus` writes them.

The folder then is one data set with a config a corpus: `datasets.load_dataset("runs/corpora", "filtered")`.

Examples:

    medsafetyworld card --corpora runs/corpora
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsafetyworld.cli.parse import parse_command


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteCard:
    """Write a family's card."""

    corpora: Path
    """Folder of corpus directories; its README.md and croissant.json are written."""


def arguments(argv: Sequence[str]) -> WriteCard:
    """Parse the command line."""
    return parse_command(WriteCard, argv, prog="medsafetyworld card", description=__doc__ or "")


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld card`."""
    command = arguments(argv)
    from medsafetyworld.corpus.card import write_family_card

    names = write_family_card(command.corpora)
    print(f"Card of {', '.join(names)} written: {command.corpora / 'README.md'}")
    return 0
