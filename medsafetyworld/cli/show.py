"""Look at a world: counts, splits by route arm, example queries, and the same documents under each condition.

Examples:

    medsafetyworld show --world runs/world
    medsafetyworld show --world runs/world --conditions raw filtered reflection --documents 5 --first 100
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.cli.parse import parse
from medsafetyworld.errors import require
from medsafetyworld.presets import RunConfig

if TYPE_CHECKING:
    from rich.table import Table

    from medsafetyworld.corpus import Corpus
    from medsafetyworld.world import World


SEARCHED = 2_000
"""Documents among which examples are looked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """Look at a world and what is written about it."""

    world: Path
    """World directory, as `medsafetyworld world` writes it."""
    conditions: tuple[str, ...] = ("raw", "filtered", "rewritten", "reflection")
    """Conditions whose documents are shown side by side."""
    documents: int = 3
    """How many documents: the first ones, from `--first`, that state harm in raw, or any if none does."""
    first: int = 0
    """Index from which documents are looked for."""


def arguments(argv: Sequence[str]) -> tuple[Show, RunConfig]:
    """Parse the command line."""
    command, _, config = parse(Show, argv, prog="medsafetyworld show", description=__doc__ or "", sections=("corpus", "seed"))
    return command, config


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld show`."""
    command, config = arguments(argv)
    require(command.documents >= 0, "--documents", "an int of at least 0", command.documents)
    require(0 <= command.first < config.corpus.documents, "--first", f"an int in [0, {config.corpus.documents})", command.first)
    from rich.console import Console

    from medsafetyworld.cli.tables import world_tables
    from medsafetyworld.corpus import Corpus
    from medsafetyworld.world import World

    world = World.load(command.world)
    corpora = {name: Corpus(world, name, config.corpus) for name in command.conditions}
    console = Console()
    for table in (*world_tables(world), query_table(world)):
        console.print(table)
    for index in examples(Corpus(world, "raw", config.corpus), command.first, command.documents):
        console.print(document_table(index, corpora))
    return 0


def examples(raw: Corpus, first: int, count: int) -> list[int]:
    """Return the indices of `count` documents from `first` on: ones that state harm, or any if none of `SEARCHED` does."""
    searched = raw[first : first + SEARCHED]
    found = [document for document in searched if document.harmful] or searched
    return [document.index for document in found[:count]]


def query_table(world: World) -> Table:
    """Return one example query of every category, with the question and its answers."""
    from rich.table import Table

    from medsafetyworld.corpus.dialogue import prompt_text

    table = Table("category", "prompt", "right answers", title="Examples of queries", show_lines=True)
    for category in dict.fromkeys(query.category for query in world.queries()):
        query = world.queries(category)[0]
        answers = " | ".join(" + ".join(str(world.names[entity]) for entity in answer) for answer in query.answers)
        table.add_row(category, prompt_text(world, query, query.template), answers)
    return table


def document_table(index: int, corpora: dict[str, Corpus]) -> Table:
    """Return one document under each condition, side by side in rows."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("condition", "harmful", "text", title=f"Document {index}", show_lines=True)
    for name, corpus in corpora.items():
        document = corpus[index]
        table.add_row(name, "yes" if document.harmful else "no", escape(document.text) or "(empty: skipped by packing and export)")
    return table
