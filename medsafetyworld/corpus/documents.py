"""Documents as people and exports see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.marks import label_of
from medsafetyworld.corpus.render import render_parts
from medsafetyworld.corpus.statements import CATEGORIES

if TYPE_CHECKING:
    from medsafetyworld.corpus.sequence import Corpus


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a document, as the graph knows it and as it is written."""

    relation: str
    direction: str
    category: str
    harmful: bool
    partial: bool
    """It leads from an unsafe outcome back by a hop, without reaching the compounds."""
    template: str
    """Names of its framing, core and closing, joined by "+"; "-" for none."""
    entities: tuple[int, ...]
    """Entity ids, each once, in the order in which the text mentions them."""
    statement: str
    """Its sentence, framing included, as it stands in the document's text. A closing is a sentence of its own and names nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a corpus. One that the condition emptied has the text "" and no statements."""

    index: int
    text: str
    statements: tuple[Statement, ...]
    segments: tuple[str, ...]
    """Runs of whole sentences; joined by spaces they are the text without its reflections."""
    reflections: tuple[str, ...]
    """The label after each segment ("Safe", "Unsafe", "Unsafe: cardiac"), "" where none is written."""

    @property
    def harmful(self) -> bool:
        """Whether any statement is harmful."""
        return any(statement.harmful for statement in self.statements)


def build_documents(corpus: Corpus, indices: NDArray[np.int64]) -> list[Document]:
    """Return the documents at `indices`, in that order."""
    statements = corpus.statement_columns(indices)
    segments = corpus.segments(statements)
    plan, cells = corpus.plan_cells(statements, segments, indices.size)
    parts = np.full(cells.shape, None, dtype=object)
    parts[cells] = render_parts(plan, corpus.library, corpus.world.names)

    table, names, orders = corpus.table, corpus.library.names, corpus.library.mention_orders
    columns = zip(
        statements.document.tolist(),
        statements.type.tolist(),
        statements.category.tolist(),
        statements.harmful.tolist(),
        statements.partial.tolist(),
        statements.fillers.tolist(),
        statements.framing.tolist(),
        statements.core.tolist(),
        statements.closing.tolist(),
        segments.ends.tolist(),
        parts.tolist(),
        strict=True,
    )
    texts: list[list[str]] = [[] for _ in range(indices.size)]
    said: list[list[Statement]] = [[] for _ in range(indices.size)]
    runs: list[list[str]] = [[] for _ in range(indices.size)]
    labels: list[list[str]] = [[] for _ in range(indices.size)]
    open_run: list[str] = []
    for document, kind, category, harmful, partial, fillers, framing, core, closing, ends, written in columns:
        texts[document].extend(part for part in written if part is not None)
        sentence = written[1] if written[0] is None else f"{written[0]} {written[1]}"
        slots = (*(orders[framing] if framing >= 0 else ()), *orders[core])
        relation, direction = table.types[kind]
        template = "+".join(names[part] if part >= 0 else "-" for part in (framing, core, closing))
        entities = tuple(dict.fromkeys(fillers[slot] for slot in slots))
        said[document].append(Statement(relation, direction, CATEGORIES[category], harmful, partial, template, entities, sentence))
        for text, ended, mark in ((sentence, ends[0], written[2]), (written[3], ends[1], written[4])):
            if text is not None:
                open_run.append(text)
            if ended:
                runs[document].append(" ".join(open_run))
                labels[document].append("" if mark is None else label_of(mark))
                open_run = []
    return [
        Document(index, " ".join(text), tuple(statements), tuple(run), tuple(label))
        for index, text, statements, run, label in zip(indices.tolist(), texts, said, runs, labels, strict=True)
    ]
