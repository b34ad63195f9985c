"""Look at a world: counts, splits, queries, the same documents under each condition side by side, and a query with its certificate.

Examples:

    medsafetyworld show --world runs/world
    medsafetyworld show --world runs/world --conditions raw filtered reflection --documents 5 --first 100
    medsafetyworld show --world runs/world --index 17 4711 --corpus.reflection.style category --html documents.html
    medsafetyworld show --world runs/world --query 304 --condition filtered --out query.png
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.cli.parse import parse
from medsafetyworld.errors import ConfigError, DataError, require
from medsafetyworld.presets import RunConfig

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from medsafetyworld.corpus import Corpus
    from medsafetyworld.world.world import World


SEARCHED = 2_000
"""Documents among which examples are looked for."""
MOST_DOCUMENTS = 1_000
"""Documents that are shown at most: a table or page of more is not read."""


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
    index: tuple[int, ...] = ()
    """Show the documents at exactly these indices, and no tables about the world."""
    html: Path | None = None
    """Write the documents to this HTML file as well."""
    query: int | None = None
    """Show this query with its certificate instead: what could tell its answer, how often it is written, and the minimal cut."""
    condition: str = "filtered"
    """Condition on whose corpus `--query` is certified."""
    out: Path | None = None
    """Draw the neighbourhood of `--query` into this file, .png or .svg."""


def arguments(argv: Sequence[str]) -> tuple[Show, RunConfig]:
    """Parse the command line."""
    command, _, config = parse(Show, argv, prog="medsafetyworld show", description=__doc__ or "", sections=("corpus", "seed"))
    return command, config


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld show`."""
    command, config = arguments(argv)
    documents = config.corpus.documents
    require(0 <= command.documents <= MOST_DOCUMENTS, "--documents", f"an int in [0, {MOST_DOCUMENTS}]", command.documents)
    require(0 <= command.first < documents, "--first", f"an int in [0, {documents})", command.first)
    require(len(command.index) <= MOST_DOCUMENTS, "--index", f"at most {MOST_DOCUMENTS} indices", len(command.index))
    for index in command.index:
        require(0 <= index < documents, "--index", f"ints in [0, {documents})", index)
    for flag, path in (("--html", command.html), ("--out", command.out)):
        if path is not None and path.is_dir():
            raise DataError(f"{flag} must be a file. Got the directory {str(path)!r}.")
    if command.html is not None:
        require(command.html.suffix in (".html", ".htm"), "--html", "a file ending in .html", str(command.html))
    from rich.console import Console

    from medsafetyworld.world.world import World

    if command.query is not None:
        if command.html is not None:
            raise ConfigError("--html must be given without --query, whose picture --out writes. Got both.")
        return _show_query(World.load(command.world), command, config, Console())
    if command.out is not None:
        raise ConfigError(f"--out must be given with --query, whose picture it is. Got {str(command.out)!r} without it.")
    _show_documents(World.load(command.world), command, config, Console())
    return 0


def _show_documents(world: World, command: Show, config: RunConfig, console: Console) -> None:
    from medsafetyworld.cli.show_documents import document_tables, legend_table, write_page
    from medsafetyworld.cli.tables import world_tables
    from medsafetyworld.corpus import Corpus

    corpora = {name: Corpus(world, name, config.corpus) for name in command.conditions}
    indices = list(command.index) or examples(Corpus(world, "raw", config.corpus), command.first, command.documents)
    if not command.index:
        for table in (*world_tables(world), query_table(world)):
            console.print(table)
    for table in document_tables(indices, corpora, console.width):
        console.print(table)
    if indices:
        console.print(legend_table(indices, corpora))
    if command.html is not None:
        write_page(command.html, indices, corpora, f"Documents of {world.config.task} world {world.content_hash[:12]}")
        console.print(f"Page: {command.html}", highlight=False, markup=False, soft_wrap=True)


def _show_query(world: World, command: Show, config: RunConfig, console: Console) -> int:
    from medsafetyworld.cli.show_query import certificate_tables, check_picture, write_picture
    from medsafetyworld.corpus import Corpus
    from medsafetyworld.corpus.certificate import certificate

    queries = len(world.query_columns.category)
    number = command.query
    if number is None or not 0 <= number < queries:
        raise ConfigError(f"--query must be a query of the world, an int in [0, {queries}). Got {number!r}.")
    if command.out is not None:
        check_picture(command.out)
    query, corpus = world.query_columns.query(number), Corpus(world, command.condition, config.corpus)
    with console.status(f"Counting {len(corpus):,} documents"):
        found = certificate(world, corpus, query)
    for table in certificate_tables(world, query, found, command.condition):
        console.print(table)
    if command.out is not None:
        write_picture(command.out, world, query, found, command.condition)
        console.print(f"Picture: {command.out}", highlight=False, markup=False, soft_wrap=True)
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
