"""Whether an outcome's name shows that it is unsafe: its words, and its runs of two to four characters."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from medsafetyworld.corpus.audit.separation import Features
from medsafetyworld.world.world import World


def name_features(world: World) -> Features:
    """Return words and character n-grams of the outcomes' names."""
    from sklearn.feature_extraction.text import CountVectorizer

    outcomes = np.asarray(world.outcomes, dtype=np.int64)
    names = world.names[outcomes].tolist()
    words, characters = CountVectorizer(), CountVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    values = sparse.hstack([words.fit_transform(names), characters.fit_transform(names)]).toarray().astype(np.float64)
    columns = (*words.get_feature_names_out(), *characters.get_feature_names_out())
    return Features("names", "their names", values, outcomes, tuple(map(str, columns)), "linear")
