"""Documents that say the same in the same words, beyond what finite templates bring with them.

A document of one statement is expected to recur: a fact is said in every pass, and each relation and direction has some 1,400 wordings, of
unequal chance. How often two renderings of a fact agree is estimated from how often wordings recur in their relation and direction; the
audit compares the pairs of equal documents with that. Documents of several statements would need all of them again, so near-duplicates
among them (MinHash over runs of three words, estimated Jaccard similarity of 0.8 and more) must be rare.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.finding import Finding

RATIO_BOUND = 1.5
"""Equal pairs of one-statement documents, as a multiple of what is expected."""
SHARE_BOUND = 0.01
"""Share of documents of several statements that have a near-duplicate."""
SIMILARITY, PERMUTATIONS, SHINGLE = 0.8, 64, 3


def equal_documents(evidence: Evidence) -> Finding:
    """Return how often one-statement documents are equal, as a multiple of what is expected, with a Poisson interval."""
    sizes = np.bincount(evidence.document, minlength=len(evidence.texts))
    single = np.flatnonzero(sizes[evidence.document] == 1)
    # Statements of a kind share their wordings: of a relation and direction, and, for hazards, about outcomes of one sort.
    unsafe = (evidence.outcome >= 0) & evidence.world.unsafe[evidence.outcome]
    wordings: defaultdict[tuple[int, bool], Counter[tuple[int, tuple[int, ...]]]] = defaultdict(Counter)
    facts: defaultdict[tuple[tuple[int, bool], tuple[int, ...]], Counter[str]] = defaultdict(Counter)
    for index in single.tolist():
        kind, named = (int(evidence.type[index]), bool(unsafe[index])), evidence.entities[index]
        members = tuple(sorted(set(named)))
        order = tuple(members.index(entity) for entity in named)
        wordings[kind][int(evidence.piece[index]), order] += 1
        facts[kind, members][evidence.texts[evidence.document[index]]] += 1
    agreement = {kind: _pairs(counts.values()) / max(_pairs([sum(counts.values())]), 1.0) for kind, counts in wordings.items()}
    expected = sum(_pairs([sum(texts.values())]) * agreement[kind] for (kind, _), texts in facts.items())
    observed = sum(_pairs(texts.values()) for texts in facts.values())
    what = "one-statement documents equal to another, as a multiple of what finite templates bring"
    repeated = sum(count for texts in facts.values() for count in texts.values() if count > 1)
    rate = f"{repeated / max(single.size, 1):.1%} of {single.size:,} one-statement documents recur, {observed:,.0f} equal pairs"
    if expected < 1:
        passed = observed <= 10
        return Finding("equal_documents", what, None, None, RATIO_BOUND, int(single.size), passed, f"{rate}, {expected:.1f} expected")
    ratio, half = observed / expected, 1.96 * np.sqrt(max(observed, 1.0)) / expected
    interval = (max(0.0, float(ratio - half)), float(ratio + half))
    passed = not (interval[0] > 1 and ratio > RATIO_BOUND)
    return Finding("equal_documents", what, ratio, interval, RATIO_BOUND, int(single.size), passed, f"{rate}, {expected:,.0f} expected")


def near_duplicates(evidence: Evidence, seed: int) -> Finding:
    """Return the share of documents of several statements that have a near-duplicate among them."""
    from datasketch import MinHash, MinHashLSH

    sizes = np.bincount(evidence.document, minlength=len(evidence.texts))
    several = np.flatnonzero(sizes > 1).tolist()
    shingles = [_shingles(evidence.texts[number]) for number in several]
    index = MinHashLSH(threshold=SIMILARITY, num_perm=PERMUTATIONS)
    found: set[int] = set()
    example = ""
    signatures: list[MinHash] = []
    for number, signature in enumerate(MinHash.generator(shingles, num_perm=PERMUTATIONS, seed=seed + 1)):
        for other in index.query(signature):
            if signature.jaccard(signatures[other]) >= SIMILARITY:
                found |= {number, other}
                example = example or evidence.texts[several[number]]
        signatures.append(signature)
        index.insert(number, signature)
    share = len(found) / max(len(several), 1)
    detail = f"{len(found):,} of {len(several):,} sampled documents of several statements" + (
        f"; the first: {example!r}" if example else ""
    )
    what = f"documents of several statements with a near-duplicate (Jaccard {SIMILARITY} of {SHINGLE}-word runs)"
    return Finding("near_duplicates", what, share, None, SHARE_BOUND, len(several), share <= SHARE_BOUND, detail)


def _pairs(counts: Iterable[int]) -> float:
    """Return how many pairs there are within groups of these sizes."""
    return sum(count * (count - 1) / 2 for count in counts)


def _shingles(text: str) -> list[bytes]:
    words = text.split()
    return [" ".join(words[start : start + SHINGLE]).encode() for start in range(max(len(words) - SHINGLE + 1, 1))]
