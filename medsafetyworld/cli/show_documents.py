"""The same documents under several conditions, side by side: for the terminal, and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.cli.spans import LOOKS, Look, Span, spans

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from medsafetyworld.corpus import Corpus
    from medsafetyworld.corpus.documents import Document

EMPTY = "(empty: skipped by packing and export)"
NARROWEST = 30
"""Characters of a column below which conditions are put under each other instead of side by side."""


def document_tables(indices: Sequence[int], corpora: Mapping[str, Corpus], width: int) -> list[Table]:
    """Return documents as tables that fit into `width` characters, a column (or where that is too narrow a row) a condition."""
    from rich.table import Table

    side_by_side = width // max(len(corpora), 1) >= NARROWEST
    tables = []
    for index in indices:
        cells = {name: _cell(corpus[index]) for name, corpus in corpora.items()}
        if side_by_side:
            table = Table(*cells, title=f"Document {index}", expand=True)
            for column in table.columns:
                column.ratio = 1
            table.add_row(*cells.values())
        else:
            table = Table("condition", "text", title=f"Document {index}", show_lines=True, expand=True)
            for name, cell in cells.items():
                table.add_row(name, cell)
        tables.append(table)
    return tables


def legend_table(indices: Sequence[int], corpora: Mapping[str, Corpus]) -> Table:
    """Return what the symbols and colours of these documents mean."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "colour", "meaning", title="What colours and symbols mean")
    for look in _looks(corpus[index] for corpus in corpora.values() for index in indices):
        table.add_row(Text(look.symbol, look.style), Text(look.style, look.style), look.meaning)
    return table


def write_page(path: Path, indices: Sequence[int], corpora: Mapping[str, Corpus], title: str) -> None:
    """Write documents as one self-contained HTML page without scripts; equal documents give equal bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    documents = {index: {name: corpus[index] for name, corpus in corpora.items()} for index in indices}
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, autoescape=True, trim_blocks=True
    )
    page = environment.get_template("show.html.j2").render(
        title=title,
        conditions={name: corpus.condition.summary for name, corpus in corpora.items()},
        documents={index: {name: lines(document) for name, document in row.items()} for index, row in documents.items()},
        empty=EMPTY,
        looks=LOOKS,
        shown=_looks(document for row in documents.values() for document in row.values()),
        kinds={look: kind for kind, look in LOOKS.items()},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def lines(document: Document) -> list[list[Span]]:
    """Return the spans of a document in lines, a statement at the head of each."""
    found: list[list[Span]] = []
    for span in spans(document):
        if LOOKS[span.kind].symbol or not found:
            found.append([])
        found[-1].append(span)
    return found


def _cell(document: Document) -> Text:
    from rich.text import Text

    if not document.text:
        return Text(EMPTY, style="dim italic")
    cell = Text()
    for number, line in enumerate(lines(document)):
        cell.append("\n" if number else "")
        for place, span in enumerate(line):
            look = LOOKS[span.kind]
            cell.append(" " if place else "").append(f"{look.symbol} " if look.symbol else "", look.style).append(span.text, look.style)
    return cell


def _looks(documents: Iterable[Document]) -> list[Look]:
    """Return the looks that occur, in the order of `LOOKS`."""
    present = {span.kind for document in documents for span in spans(document)}
    return [look for kind, look in LOOKS.items() if kind in present]
