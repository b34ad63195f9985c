"""Whether the queries show which outcomes are unsafe: how many there are, how many answers they have, and how they are worded."""

from __future__ import annotations

import numpy as np

from medsafetyworld.corpus.audit.reading import Reader
from medsafetyworld.corpus.audit.separation import Features
from medsafetyworld.corpus.dialogue import is_reverse, prompt_text
from medsafetyworld.world.world import World


def query_features(world: World) -> Features:
    """Return, of each outcome, the words of the queries that ask about it or for it, and their counts."""
    from sklearn.feature_extraction.text import CountVectorizer

    outcomes = np.asarray(world.outcomes, dtype=np.int64)
    reader = Reader(world)
    texts: list[list[str]] = [[] for _ in outcomes]
    counts = np.zeros((outcomes.size, 3))
    for query in world.queries():
        text = prompt_text(world, query, query.template)
        masked = reader.mask(text, reader.mentions(text))
        asked = query.given if is_reverse(query) else tuple(sorted({entity for answer in query.answers for entity in answer}))
        for outcome in asked:
            row = outcome - world.outcomes.start
            texts[row].append(masked)
            counts[row, 0 if is_reverse(query) else 1] += 1
            counts[row, 2] += len(query.answers)
    vectorizer = CountVectorizer(lowercase=False, token_pattern=r"\w+", ngram_range=(1, 2))
    words = vectorizer.fit_transform([" | ".join(found) for found in texts]).toarray()
    columns = ("reverse queries", "forward queries", "answers", *map(str, vectorizer.get_feature_names_out()))
    values = np.concatenate([counts, words / np.maximum(counts[:, :2].sum(axis=1, keepdims=True), 1)], axis=1)
    return Features("queries", "their queries", values, outcomes, columns, "linear")
