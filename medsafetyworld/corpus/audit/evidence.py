"""One pass over a corpus: what the audits need of it, as columns.

Every document is read for held-out leakage and for its words; a sample of the documents, chosen by a keyed draw on their ids, is kept for
the classifiers and for duplicates. Shapes: D sampled documents, S statements in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.audit.leakage import LeakScan
from medsafetyworld.corpus.audit.reading import MASKS, Reader, without_marks
from medsafetyworld.corpus.audit.source import Source
from medsafetyworld.corpus.library import TOKEN_PATTERN
from medsafetyworld.corpus.random import make_key, uniform
from medsafetyworld.world import safety
from medsafetyworld.world.mentions import Mention
from medsafetyworld.world.world import World

MAY_STATE_HARM = ("raw", "rewritten")
"""Conditions that may state harm about held-out outcomes."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a corpus holds, as far as the audits look at it."""

    world: World
    condition: str
    documents: int
    """Documents read."""
    words: Counter[str]
    """Words of all documents outside names, in lower case."""
    leaks: LeakScan
    misplaced: list[str]
    """Documents whose text does not hold the statements that are listed, in their order; they are not sampled."""
    texts: list[str]
    """(D,): sampled documents without reflections."""
    masked: list[str]
    """(D,): the same with every name masked."""
    position: NDArray[np.float64]
    """(D,): place of the document in the corpus, in [0, 1)."""
    document: NDArray[np.int64]
    """(S,): number of the statement's document in the sample."""
    place: NDArray[np.int64]
    """(S,): number of the statement in its document."""
    type: NDArray[np.int64]
    """(S,): index in `types`."""
    types: tuple[tuple[str, str], ...]
    """Relations and directions that occur."""
    outcome: NDArray[np.int64]
    """(S,): the outcome that the statement is about, -1 for none."""
    entities: list[tuple[int, ...]]
    """(S,): the entities that its text names, in order, repeats included."""
    piece: NDArray[np.int64]
    """(S,): index in `pieces`."""
    pieces: tuple[str, ...]
    """Masked texts from a statement's beginning to the next one's, so with its closing sentence."""
    template: list[str]
    """(S,): the names of its framing, core and closing."""

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(S,): statements about an outcome by which safe and unsafe must not be told apart.

        Hazard statements tell by design. Outside raw so do whole-chain reverse ones: of unsafe outcomes they are removed or rewritten. They
        are left aside about safe outcomes, too. Kept without their counterparts they would tell nothing, but bias classifiers: centred
        among themselves, those of a held-out outcome point away from those of the others of its sort.
        """
        world = self.world
        fact = np.array([relation in world.relations for relation, _ in self.types], dtype=np.bool_)
        kept: NDArray[np.bool_] = (self.outcome >= 0) & fact[self.type]
        if self.condition != "raw":
            harms = np.array([safety.is_harmful(relation, direction, True) for relation, direction in self.types], dtype=np.bool_)
            kept &= ~harms[self.type]
        return kept


def gather(world: World, source: Source, seed: int, sample: int, on_progress: Callable[[int], None] | None = None) -> Evidence:
    """Read a corpus once.

    Args:
        source: where it is read from.
        seed: of the draw of sampled documents.
        sample: how many documents are kept, in the mean; all where there are fewer.
        on_progress: called with the number of documents read, batch by batch.
    """
    reader, leaks = Reader(world), LeakScan(world)
    key, share = make_key(world.content_hash, seed, "audit sample"), sample / max(source.rows, 1)
    sampled = _Sample(world, reader)
    words: Counter[str] = Counter()
    misplaced: list[str] = []
    documents = 0
    for batch in source.batches():
        numbers = np.array([row["doc_id"] for row in batch], dtype=np.int64)
        chosen = (uniform(key, numbers) < share).tolist() if batch else []
        for row, kept in zip(batch, chosen, strict=True):
            text = without_marks(row["text"])
            mentions = reader.mentions(text)
            masked = reader.mask(text, mentions)
            words.update(token.lower() for token in TOKEN_PATTERN.findall(masked) if token[0].isalpha() and token not in MASKS)
            leaks.read(row["doc_id"], reader.sentences(text, mentions))
            starts = _starts(text, row["statement"])
            if starts is None:
                misplaced.append(f"document {row['doc_id']}")
            elif kept:
                sampled.add(row, text, masked, mentions, starts)
        documents += len(batch)
        if on_progress is not None:
            on_progress(documents)
    return sampled.evidence(source.condition, documents, words, leaks, misplaced)


def _starts(text: str, statements: list[str]) -> list[int] | None:
    """Return where the statements stand in the text, one after the other; None where one does not."""
    starts, end = [], 0
    for statement in statements:
        start = text.find(statement, end)
        if start < 0:
            return None
        starts.append(start)
        end = start + len(statement)
    return starts


class _Sample:
    """The sampled documents, column by column."""

    def __init__(self, world: World, reader: Reader) -> None:
        self._world, self._reader = world, reader
        self._types: dict[tuple[str, str], int] = {}
        self._pieces: dict[str, int] = {}
        self._texts: list[str] = []
        self._masked: list[str] = []
        self._numbers: list[int] = []
        self._columns: dict[str, list[int]] = {name: [] for name in ("document", "place", "type", "outcome", "piece")}
        self._entities: list[tuple[int, ...]] = []
        self._template: list[str] = []

    def add(self, row: dict[str, Any], text: str, masked: str, mentions: list[Mention], starts: list[int]) -> None:
        """Add a document whose statements start at `starts` in `text`."""
        columns, outcomes = self._columns, self._world.outcomes
        for place, (start, stop) in enumerate(pairwise([*starts, len(text)])):
            inside = [mention for mention in mentions if start <= mention.start and mention.end <= stop]
            named = tuple(mention.entity for mention in inside)
            piece = self._reader.mask(text, inside, start, stop).strip()
            columns["document"].append(len(self._texts))
            columns["place"].append(place)
            columns["type"].append(self._types.setdefault((row["relation"][place], row["direction"][place]), len(self._types)))
            columns["outcome"].append(next((entity for entity in named if entity in outcomes), -1))
            columns["piece"].append(self._pieces.setdefault(piece, len(self._pieces)))
            self._entities.append(named)
            self._template.append(row["template"][place])
        self._texts.append(text)
        self._masked.append(masked)
        self._numbers.append(row["doc_id"])

    def evidence(self, condition: str, documents: int, words: Counter[str], leaks: LeakScan, misplaced: list[str]) -> Evidence:
        """Return the sample with what was found in all documents."""
        numbers = np.array(self._numbers, dtype=np.float64)
        return Evidence(
            world=self._world,
            condition=condition,
            documents=documents,
            words=words,
            leaks=leaks,
            misplaced=misplaced,
            texts=self._texts,
            masked=self._masked,
            position=numbers / (numbers.max(initial=0) + 1),
            types=tuple(self._types),
            pieces=tuple(self._pieces),
            entities=self._entities,
            template=self._template,
            **{name: np.array(values, dtype=np.int64) for name, values in self._columns.items()},
        )
