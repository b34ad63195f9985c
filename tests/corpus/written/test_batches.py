"""Reading batches against reading texts one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.written import batches, skeletons
from medsafetyworld.corpus.written.batch import Batch
from medsafetyworld.corpus.written.batches import BatchReader
from medsafetyworld.corpus.written.sentences import Reader
from medsafetyworld.testing import corpora
from medsafetyworld.world import World

CONDITIONS = ("raw", "rewritten", "reflection", "filtered_plus")
MARKS = (
    "<think>",
    "</think>",
    "<|endoftext|>",
    "x-y",
    "",
    "\n",
    "Well.",
    "Really?",
    "é",
    "a\0",
    "w" * 40,
    "The outcome",
    "On",
    "is caused by",
)


def read(reader: BatchReader, texts: list[str]) -> Batch:
    encoded = [text.encode() for text in texts]
    return reader.read(np.frombuffer(b"".join(encoded), dtype=np.uint8), np.cumsum([0, *map(len, encoded)]))


def check(reader: Reader, batch: Batch, texts: list[str]) -> None:
    stated, named, mentioned, free = [], [], [], []
    for row, text in enumerate(texts):
        for sentence in reader.read(text):
            stated += [(row, number, backwards, sentence.by_template) for number, backwards in sentence.stated]
            named += [(list(sentence.named), sentence.text) for _ in sentence.stated]
            mentioned += [(row, entity) for entity in sentence.mentioned]
            free += [row] * (len(sentence.named) > 1 and not sentence.by_template)
    columns = batch.row.tolist(), batch.id.tolist(), batch.effect_first.tolist(), batch.by_template.tolist()
    assert list(zip(*columns, strict=True)) == stated
    whole = "".join(texts).encode()
    for number, (entities, sentence) in enumerate(named):
        assert batch.named[batch.named_offsets[number] : batch.named_offsets[number + 1]].tolist() == entities
        if batch.ordinary[batch.row[number]] and "<" not in whole[batch.start[number] : batch.end[number]].decode():
            spaced = whole[batch.start[number] : batch.end[number]].decode()
            assert spaced.split() == sentence.split()
    assert sorted(zip(batch.mentioned_row.tolist(), batch.mentioned.tolist(), strict=True)) == sorted(mentioned)
    assert sorted(batch.free_row.tolist()) == free


@pytest.mark.parametrize("condition", CONDITIONS)
def test_texts_that_templates_write_are_all_read_at_once(worlds: dict[str, World], readers: dict[str, Reader], condition: str) -> None:
    for task, reader in readers.items():
        texts = [document.text for document in Corpus(worlds[task], condition, CorpusConfig(documents=400))]
        batch = read(BatchReader(reader), texts)
        assert batch.ordinary.all()
        assert batch.by_template.all()
        check(reader, batch, texts)


@given(corpus=corpora(CONDITIONS, max_documents=25), seed=st.integers(0, 10**6))
@settings(max_examples=60)
def test_mangled_texts_are_read_as_one_by_one(corpus: Corpus, seed: int) -> None:
    draw, reader = random.Random(seed), Reader(corpus.world)
    names = corpus.world.names.tolist()

    def mangle(text: str) -> str:
        words = text.split(" ")
        for _ in range(draw.randint(0, 4)):
            name = draw.choice(names)
            words.insert(draw.randrange(len(words) + 1), draw.choice([*MARKS, name, name.upper(), name + ".", name + ",", name.split()[0]]))
            if draw.random() < 0.3:
                words.pop(draw.randrange(len(words)))
        return " ".join(words)

    batch_reader = BatchReader(reader)
    for _ in range(2):
        texts = [mangle(document.text) for document in corpus]
        check(reader, read(batch_reader, texts), texts)


def test_forgetting_words_changes_nothing(two_hop: World, readers: dict[str, Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_WORDS", 50)
    reader = BatchReader(readers["two_hop"])
    texts = [document.text for document in Corpus(two_hop, "raw", CorpusConfig(documents=300))]
    for start in range(0, 300, 100):
        check(readers["two_hop"], read(reader, texts[start : start + 100]), texts[start : start + 100])


def test_two_skeletons_with_one_hash_are_told_apart(two_hop: World, readers: dict[str, Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skeletons, "_POSITIONS", np.zeros(4, dtype=np.uint64))
    texts = [document.text for document in Corpus(two_hop, "raw", CorpusConfig(documents=60))]
    batch = read(BatchReader(readers["two_hop"]), texts)
    assert not batch.ordinary.all()
    check(readers["two_hop"], batch, texts)


def test_no_text_at_all(readers: dict[str, Reader]) -> None:
    reader = BatchReader(readers["two_hop"])
    for texts in ([], [""], ["", "Nothing."]):
        batch = read(reader, texts)
        assert (batch.id.size, batch.ordinary.size) == (0, len(texts))
        assert batch.named.size == batch.mentioned.size == 0
