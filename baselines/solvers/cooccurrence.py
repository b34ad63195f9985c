"""A floor: names what is most often in the same documents as what is asked about, whatever the sentences say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.solvers.reading import answer_text, chunks
from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.evaluation.solvers import Respond, Solver
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CoMentions:
    """How many documents name an outcome with two compounds, or with one (then given twice). Codes of (outcome, a, b), a <= b, rise."""

    world: World
    codes: Integers
    documents: Integers
    compounds: Integers
    """(compounds,): documents that name each, for ties that nothing else breaks."""

    def count(self, codes: Integers) -> Integers:
        """Return the number of documents of each code."""
        place = np.minimum(np.searchsorted(self.codes, codes), max(len(self.codes) - 1, 0))
        return np.where(self.codes[place] == codes, self.documents[place], 0) if len(self.codes) else np.zeros(len(codes), dtype=np.int64)

    def best_compounds(self, outcome: int) -> tuple[int, ...]:
        """Return the pair that most documents name with an outcome; of equals, the one whose members do most often."""
        size = len(self.world.compounds)
        first = (outcome - self.world.outcomes.start) * size**2
        low, high = np.searchsorted(self.codes, [first, first + size**2])
        left, right = np.divmod(self.codes[low:high] - first, size)
        counts = self.documents[low:high]
        alone = np.zeros(size, dtype=np.int64)
        alone[left[left == right]] = counts[left == right]
        together = left < right
        if together.any():
            left, right, counts = left[together], right[together], counts[together]
            best = np.lexsort((-(alone[left] + alone[right]), -counts))[0]
            return int(left[best]), int(right[best])
        return tuple(sorted(np.lexsort((-self.compounds, -alone))[:2].tolist()))

    def best_outcome(self, compounds: tuple[int, ...]) -> tuple[int, ...]:
        """Return the outcome that most documents name with all of the compounds, the smallest of equals."""
        size = len(self.world.compounds)
        first, second = min(compounds), max(compounds)
        counts = self.count(np.arange(len(self.world.outcomes)) * size**2 + first * size + second)
        return (self.world.outcomes.start + int(counts.argmax()),)


def co_mentions(corpus: Corpus) -> CoMentions:
    """Count in how many documents of a corpus outcomes and compounds are named together."""
    world = corpus.world
    codes, documents = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    compounds = np.zeros(len(world.compounds), dtype=np.int64)
    for said in chunks(corpus):
        document, compound = _named(said, world.compounds)
        compounds += np.bincount(compound, minlength=compounds.size)
        own, counts = np.unique(_triples(document, compound, *_named(said, world.outcomes), compounds.size), return_counts=True)
        codes, place = np.unique(np.concatenate([codes, own]), return_inverse=True)
        documents = np.bincount(place, weights=np.concatenate([documents, counts]), minlength=codes.size).astype(np.int64)
    return CoMentions(world, codes, documents, compounds)


def _named(said: Statements, kind: range) -> tuple[Integers, Integers]:
    """Return the different (document, number within its kind) of the entities of a kind that are named, documents rising."""
    here = (said.fillers >= kind.start) & (said.fillers < kind.stop)
    document = np.broadcast_to(said.document[:, None], here.shape)[here]
    pairs = np.unique(document.astype(np.int64) * len(kind) + said.fillers[here] - kind.start)
    return pairs // len(kind), pairs % len(kind)


def _triples(document: Integers, compound: Integers, about: Integers, outcome: Integers, size: int) -> Integers:
    """Return the codes of all (outcome, a, b), a <= b, that some document names, once for each such document."""
    starts = np.searchsorted(document, about)
    counts = np.searchsorted(document, about, side="right") - starts
    first, left = _ranges(starts, counts)
    rest, right = _ranges(left, (starts + counts)[first] - left)
    codes: Integers = (outcome[first][rest] * size + compound[left][rest]) * size + compound[right]
    return codes


def _ranges(starts: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Return the ranges from `starts` of the lengths `counts`, end to end: the number of the range, and the value."""
    number = np.repeat(np.arange(counts.size), counts)
    return number, starts[number] + np.arange(number.size) - (np.cumsum(counts) - counts)[number]


def read(corpus: Corpus, seed: int) -> Respond:
    """Count a corpus; nothing here is random."""
    world, counted = corpus.world, co_mentions(corpus)

    def respond(query: Query) -> str:
        best = counted.best_compounds(query.given[0]) if dialogue.is_reverse(query) else counted.best_outcome(query.given)
        return answer_text(world, query, best)

    return respond


SOLVER = Solver("cooccurrence", "names what most documents name together with what is asked about: a floor.", read)
