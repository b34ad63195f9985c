"""Whether the wording of statements tells: bag of words, character n-grams, and the templates that the metadata names.

Names are masked; hazard statements, reflections and rewritten statements are left aside; all is within a relation and direction.
"""

from __future__ import annotations

import numpy as np

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.outcomes import outcome_means
from medsafetyworld.corpus.audit.separation import Features


def wording_features(evidence: Evidence) -> tuple[Features, ...]:
    """Return words (one and two), character n-grams (three to five) and template fragments of the statements about each outcome."""
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(lowercase=False, token_pattern=r"\w+|[^\w\s]", ngram_range=(1, 2), binary=True)
    characters = CountVectorizer(lowercase=False, analyzer="char_wb", ngram_range=(3, 5), binary=True)
    fragments = CountVectorizer(lowercase=False, tokenizer=_fragments, token_pattern=None, binary=True)
    chosen = evidence.judged
    used, piece = np.unique(evidence.piece[chosen], return_inverse=True)
    pieces = [evidence.pieces[number] for number in used]
    templates, template = np.unique(np.array(evidence.template, dtype=object)[chosen].astype(str), return_inverse=True)
    kinds = [
        ("words", "the words of their statements", words, pieces, piece),
        ("characters", "the character n-grams of their statements", characters, pieces, piece),
        ("templates", "the templates of their statements", fragments, templates.tolist(), template),
    ]
    made = []
    for name, what, vectorizer, texts, index in kinds:
        if not len(index):
            made.append(Features(name, what, np.zeros((0, 0)), np.zeros(0, dtype=np.int64), (), "linear"))
            continue
        values, outcomes = outcome_means(evidence, chosen, vectorizer.fit_transform(texts)[index].astype(np.float64))
        made.append(Features(name, what, values, outcomes, tuple(map(str, vectorizer.get_feature_names_out())), "linear"))
    return tuple(made)


def _fragments(template: str) -> list[str]:
    return [f"{place}:{part}" for place, part in zip(("framing", "core", "closing"), template.split("+"), strict=False)]
