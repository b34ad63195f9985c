from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from medsafetyworld.corpus.render import render
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.training.token_ids import TokenTable


@pytest.mark.parametrize("name", ["raw", "filtered", "reflection"])
def test_ids_equal_those_of_the_rendered_text(name, config, world, tokenizer):
    corpus = Corpus(world, name, config.corpus)
    table = TokenTable(tokenizer, corpus.library, world.names)
    plan = corpus.plan(np.array([7, 3, 250, 3, 299], dtype=np.int64))
    ids, offsets = table.ids(plan)
    texts = render(plan, corpus.library, world.names)
    assert [ids[start:stop].tolist() for start, stop in pairwise(offsets.tolist())] == [
        tokenizer.encode(text, add_special_tokens=False) for text in texts
    ]
    assert table.document_lengths(plan).tolist() == np.diff(offsets).tolist()


def test_no_document_is_no_token(config, world, tokenizer):
    corpus = Corpus(world, "raw", config.corpus)
    ids, offsets = TokenTable(tokenizer, corpus.library, world.names).ids(corpus.plan(np.zeros(0, dtype=np.int64)))
    assert ids.tolist() == []
    assert offsets.tolist() == [0]
