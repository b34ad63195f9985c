"""The same bytes on every machine and after every change that only makes things faster.

A digest changes where what is written changes: with a template, a word list, a rate. Then corpora made before cannot be made again, which
the changelog must say.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.layout import distinct
from medsafetyworld.corpus.render import render
from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.testing import worlds
from medsafetyworld.world import World, WorldConfig
from medsafetyworld.world.config import TASKS

WORLDS = {
    "single_hop": "c354d8631a4e8c19",
    "two_hop": "b66d051a86b1877c",
}
CORPORA = {
    ("single_hop", "raw"): "1268faccb7f30b6a",
    ("single_hop", "filtered"): "a7c95286c885ee99",
    ("single_hop", "filtered_plus"): "a92377352d80e657",
    ("single_hop", "rewritten"): "0762c68f757262a8",
    ("single_hop", "reflection"): "ece23953854d2211",
    ("two_hop", "raw"): "7fac5f80b98e2dd6",
    ("two_hop", "filtered"): "64b4c4d633b27f55",
    ("two_hop", "filtered_plus"): "3feb7882c2bef35d",
    ("two_hop", "rewritten"): "ef5dc86d3b6bd282",
    ("two_hop", "reflection"): "241f97f745e58c7a",
}


@pytest.fixture(scope="module", params=TASKS)
def drawn(request: pytest.FixtureRequest) -> World:
    return World.generate(WorldConfig(task=request.param, compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5))


def test_a_world_keeps_its_bytes(drawn: World) -> None:
    assert drawn.content_hash[:16] == WORLDS[drawn.config.task]


@pytest.mark.parametrize("condition", ["raw", "filtered", "filtered_plus", "rewritten", "reflection"])
def test_a_corpus_keeps_its_bytes(drawn: World, condition: str) -> None:
    digest = sha256()
    for largest in (1, 3, 5):
        corpus = Corpus(drawn, condition, CorpusConfig(documents=2_000, statements_per_document=largest))
        for indices in (np.arange(2_000), corpus.training_order(0, 200)[::-1], np.array([7, 7, 3, 1_999, 0])):
            texts = corpus.texts(indices)
            assert texts == render(corpus.plan(indices), corpus.library, drawn.names)
            digest.update("\n".join(texts).encode())
    assert digest.hexdigest()[:16] == CORPORA[drawn.config.task, condition]


def test_texts_are_those_of_the_documents(drawn: World) -> None:
    for condition in ("filtered", "reflection"):
        corpus = Corpus(drawn, condition, CorpusConfig(documents=100, statements_per_document=2))
        indices = np.array([99, 0, 0, *range(40, 60)])
        assert corpus.texts(indices) == [corpus[int(index)].text for index in indices]
        assert corpus.texts(np.empty(0, dtype=np.int64)) == []


@given(st.lists(st.integers(0, 9)))
def test_distinct_values_and_their_places(values: list[int]) -> None:
    found, place = distinct(np.array(values, dtype=np.int64))
    assert found.tolist() == sorted(set(values))
    assert found[place].tolist() == values


@given(world=worlds(), data=st.data())
def test_fillers_are_the_facts_of_statements(world: World, data: st.DataObject) -> None:
    table = StatementTable(world, CorpusConfig())
    ids = data.draw(st.lists(st.integers(0, int(table.offsets[-1]) - 1)))
    every = np.concatenate(table.facts)
    assert table.fillers(np.array(ids, dtype=np.int64)).tolist() == [every[number].tolist() for number in ids]
