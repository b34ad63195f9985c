from __future__ import annotations

import numpy as np
import pytest

from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import DataError
from medsafetyworld.training import pretraining_data
from medsafetyworld.training.packing import IGNORED
from medsafetyworld.training.pretraining_data import PackedCorpus


def same(one, two):
    return all(np.array_equal(getattr(one, name), getattr(two, name)) for name in ("input_ids", "position_ids", "labels"))


def documents(rows):
    """The documents of some rows as tuples of tokens, padding left out."""
    found = []
    for ids, positions in zip(rows.input_ids, rows.position_ids, strict=True):
        starts = np.flatnonzero(positions == 0)
        found += [tuple(part.tolist()) for part in np.split(ids, starts[1:]) if part[0] != 1]
    return found


@pytest.mark.parametrize("name", ["filtered", "reflection"])
def test_every_document_is_there_once_and_ended(name, config, world, tokenizer, packed):
    texts = [document.text for document in Corpus(world, name, config.corpus) if document.text]
    rows = packed(name).rows(0, len(packed(name)))
    expected = []
    for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]:
        whole = (*ids, 0)
        expected += [whole[start : start + 64] for start in range(0, len(whole), 64)]
    assert sorted(documents(rows)) == sorted(expected)
    predicted = rows.labels != IGNORED
    assert np.array_equal(rows.labels[predicted], rows.input_ids[predicted])
    assert not predicted[rows.position_ids == 0].any()


def test_little_is_padded(packed):
    rows = packed("filtered").rows(0, len(packed("filtered")))
    assert (rows.input_ids == 1).mean() < 0.06


def test_rows_do_not_depend_on_the_order_of_access(packed):
    corpus = packed("raw")
    whole = corpus.rows(0, len(corpus))
    chosen = np.array([9, 2, 2, 30], dtype=np.int64)
    assert same(corpus.take(chosen), whole[chosen])
    assert same(corpus.rows(len(corpus) - 1, len(corpus) + 2), whole[np.array([len(corpus) - 1, 0, 1])])


def test_chunks_follow_one_another(config, world, tokenizer, monkeypatch):
    monkeypatch.setattr(pretraining_data, "CHUNK_DOCUMENTS", 70)
    corpus = PackedCorpus(Corpus(world, "filtered", config.corpus), tokenizer, config.pretrain)
    some = corpus.rows(3, 40)  # across chunks, before all were counted
    whole = corpus.rows(0, len(corpus))
    assert same(some, whole[3:40])
    texts = [document.text for document in Corpus(world, "filtered", config.corpus) if document.text]
    assert (whole.position_ids == 0).sum() - (whole.input_ids == 1).sum() >= len(texts)
    assert (whole.input_ids != 1).sum() == sum(len(ids) + 1 for ids in tokenizer(texts, add_special_tokens=False)["input_ids"])


def test_the_training_order_is_followed(config, world, tokenizer, packed):
    corpus = Corpus(world, "raw", config.corpus)
    first = corpus[int(corpus.training_order(0, 1)[0])].text
    rows = packed("raw").rows(0, 1)
    ids = tokenizer.encode(first, add_special_tokens=False)
    assert rows.input_ids[0, : len(ids)].tolist() == ids


def test_a_corpus_of_empty_documents_is_refused(config, world, tokenizer, monkeypatch):
    corpus = PackedCorpus(Corpus(world, "raw", config.corpus), tokenizer, config.pretrain)
    plan = corpus.corpus.plan(np.zeros(0, dtype=np.int64))
    empty = type(plan)(plan.part, plan.entities, np.zeros(301, dtype=np.int64))
    monkeypatch.setattr(corpus.corpus, "plan", lambda indices: empty)
    with pytest.raises(DataError, match="must hold a document"):
        corpus.rows(0, 1)
