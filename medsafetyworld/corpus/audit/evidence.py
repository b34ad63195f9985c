"""One pass over a corpus: what the audits need of it, as columns.

Every document is read for held-out leakage and for its words; a sample of the documents, chosen by a keyed draw on their ids, is kept for
the classifiers and for duplicates. Shapes: D sampled documents, S statements in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.audit.leakage import LeakScan
from medsafetyworld.corpus.audit.reading import Reader, without_marks
from medsafetyworld.corpus.audit.source import Source
from medsafetyworld.corpus.library import TOKEN_PATTERN
from medsafetyworld.corpus.random import make_key, uniform
from medsafetyworld.world import safety
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
    """Statements that do not stand in their document's text."""
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

        Hazard statements tell by design. So do harmful statements outside raw, where they are rewritten or removed.
        """
        relation, direction = (np.array(part) for part in zip(*self.types, strict=True)) if self.types else (np.array([]), np.array([]))
        fact = np.isin(relation, safety.RELATIONS[self.world.config.task])
        harm_of_unsafe = safety.is_harmful(relation, direction, np.ones(relation.size, dtype=np.bool_))
        kept = (self.outcome >= 0) & fact[self.type]
        if self.condition != "raw":
            kept &= ~(np.asarray(harm_of_unsafe)[self.type] & self.world.unsafe[self.outcome])
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
    words: Counter[str] = Counter()
    types: dict[tuple[str, str], int] = {}
    pieces: dict[str, int] = {}
    texts, masked_texts, identifiers, misplaced = [], [], [], []
    columns: dict[str, list[int]] = {name: [] for name in ("document", "place", "type", "outcome", "piece")}
    entities: list[tuple[int, ...]] = []
    template: list[str] = []
    documents = 0
    outcomes = world.outcomes
    for batch in source.batches():
        sampled = uniform(key, np.array([row["doc_id"] for row in batch], dtype=np.int64)) < share if batch else []
        for row, kept in zip(batch, sampled, strict=True):
            text = without_marks(row["text"])
            mentions = reader.mentions(text)
            masked = reader.mask(text, mentions)
            words.update(token for token in TOKEN_PATTERN.findall(masked) if token[0].isalpha())
            leaks.read(row["doc_id"], reader.sentences(text, mentions))
            starts, end = [], 0
            for statement in row["statement"]:
                start = text.find(statement, end)
                if start < 0:
                    misplaced.append(f"document {row['doc_id']}: {statement!r}")
                    break
                starts.append(start)
                end = start + len(statement)
            if not kept or len(starts) < len(row["statement"]):
                continue
            for place, (start, stop) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
                named = tuple(mention.entity for mention in mentions if start <= mention.start and mention.end <= stop)
                columns["document"].append(len(texts))
                columns["place"].append(place)
                columns["type"].append(types.setdefault((row["relation"][place], row["direction"][place]), len(types)))
                columns["outcome"].append(next((entity for entity in named if entity in outcomes), -1))
                columns["piece"].append(pieces.setdefault(reader.mask(text, mentions, start, stop).strip(), len(pieces)))
                entities.append(named)
                template.append(row["template"][place])
            texts.append(text)
            masked_texts.append(masked)
            identifiers.append(row["doc_id"])
        documents += len(batch)
        if on_progress is not None:
            on_progress(documents)
    position = np.array(identifiers, dtype=np.float64)
    return Evidence(
        world=world,
        condition=source.condition,
        documents=documents,
        words=_lower(words),
        leaks=leaks,
        misplaced=misplaced,
        texts=texts,
        masked=masked_texts,
        position=position / max(float(position.max(initial=0)) + 1, 1),
        types=tuple(types),
        pieces=tuple(pieces),
        entities=entities,
        template=template,
        **{name: np.array(values, dtype=np.int64) for name, values in columns.items()},
    )


def _lower(words: Counter[str]) -> Counter[str]:
    """Count words in lower case, the masks of names left out."""
    from medsafetyworld.corpus.audit.reading import MASKS

    lowered: Counter[str] = Counter()
    for word, count in words.items():
        if word not in MASKS:
            lowered[word.lower()] += count
    return lowered
