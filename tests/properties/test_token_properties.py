"""Properties of tokens and training: ids equal tokenized text, packing loses nothing, a resumed run equals an uninterrupted one."""

from __future__ import annotations

import signal
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus
from medsafetyworld.corpus.render import render
from medsafetyworld.testing import corpora
from medsafetyworld.training.config import SCHEDULES, ModelConfig, StageConfig
from medsafetyworld.training.loop import train
from medsafetyworld.training.model import build_model
from medsafetyworld.training.packing import IGNORED, LOOK_AHEAD, cut, pack, place
from medsafetyworld.training.precision import Precision
from medsafetyworld.training.token_ids import TokenTable
from medsafetyworld.training.tokenizer import UNKNOWN, build_tokenizer, token_id


@settings(max_examples=settings.default.max_examples // 2)
@given(corpora(), st.data())
def test_ids_equal_the_tokens_of_the_text(corpus: Corpus, data: st.DataObject):
    """Invariant 8; and every text is restored from its ids."""
    indices = np.array(data.draw(st.lists(st.integers(0, len(corpus) - 1), max_size=30)), dtype=np.int64)
    tokenizer = build_tokenizer(corpus.world)
    plan = corpus.plan(indices)
    ids, offsets = TokenTable(tokenizer, corpus.library, corpus.world.names).ids(plan)
    found = [ids[start:stop].tolist() for start, stop in pairwise(offsets.tolist())]
    texts = render(plan, corpus.library, corpus.world.names)
    assert found == [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    assert [tokenizer.decode(document) for document in found] == texts
    assert token_id(tokenizer, UNKNOWN) not in ids


lengths_of_documents = st.lists(st.integers(1, 40), max_size=400)


@given(lengths_of_documents, st.integers(4, 48))
def test_packing_keeps_every_token_once_and_in_order(lengths: list[int], sequence_length: int):
    offsets = np.concatenate([[0], np.cumsum(np.array(lengths, dtype=np.int64))]).astype(np.int64)
    ids = np.arange(2, offsets[-1] + 2, dtype=np.int32)
    rows = pack(ids, offsets, sequence_length, padding_id=1)
    written = rows.input_ids != 1
    assert sorted(rows.input_ids[written].tolist()) == ids.tolist()
    # a row is full from the left, and every piece of a document stands in one run with positions from 0
    assert (written[:, 1:] <= written[:, :-1]).all()
    pieces = set(cut(offsets, sequence_length)[:-1].tolist())
    for row, positions in zip(rows.input_ids, rows.position_ids, strict=True):
        for column in np.flatnonzero(row != 1):
            token = int(row[column]) - 2
            if token in pieces:
                assert positions[column] == 0
            else:
                assert row[column - 1] == row[column] - 1
                assert positions[column] == positions[column - 1] + 1
    assert np.array_equal(rows.labels == IGNORED, (rows.position_ids == 0) | ~written)
    assert np.array_equal(rows.labels[rows.labels != IGNORED], rows.input_ids[rows.labels != IGNORED])


@given(lengths_of_documents, st.integers(40, 80))
def test_pieces_never_overlap_overflow_or_fall_far_behind(lengths: list[int], sequence_length: int):
    sizes = np.array(lengths, dtype=np.int64)
    row, column = place(sizes, sequence_length)
    for number in set(row.tolist()):
        inside = np.flatnonzero(row == number)
        inside = inside[np.argsort(column[inside])]
        assert column[inside].tolist() == (np.cumsum(sizes[inside]) - sizes[inside]).tolist()
        assert sizes[inside].sum() <= sequence_length
    # what opens a row is older than all that is placed later, so a piece waits for at most the rows of one look-ahead
    openers = [int(np.flatnonzero((row == number) & (column == 0))[0]) for number in range(int(row.max(initial=-1)) + 1)]
    assert openers == sorted(openers)
    order = np.lexsort((column, row))
    assert all(piece - turn < LOOK_AHEAD for turn, piece in enumerate(order.tolist()))


def batches(step: int):
    generator = np.random.default_rng([5, step])
    ids = (generator.integers(0, 4, 24)[:, None] * 3 + np.arange(3) + 2).astype(np.int32).ravel()
    return pack(ids, np.arange(0, 73, 9, dtype=np.int64), 16, padding_id=1)


@settings(max_examples=10)
@given(
    st.sampled_from(["muon", "adamw"]),
    st.sampled_from(SCHEDULES),
    st.lists(st.integers(1, 13), max_size=3, unique=True),
    st.integers(0, 3),
)
def test_a_resumed_run_equals_an_uninterrupted_one(optimizer: str, schedule: str, stops: list[int], seed: int):
    """Invariant 12: the same weights bit for bit, wherever and however often it was interrupted."""
    torch.set_num_threads(1)
    stage = StageConfig(matrix_optimizer=optimizer, schedule=schedule, warmup_steps=3, matrix_learning_rate=0.02)
    precision = Precision("cpu", "float32", 1, 1.0, 1.0)

    def fresh():
        return build_model(ModelConfig(layers=1, width=8, heads=1, feed_forward=12), 20, seed, end_of_text_id=0, padding_id=1)

    whole = fresh()
    expected = train(whole, batches, stage, 14, precision=precision)
    with tempfile.TemporaryDirectory() as directory:
        for stop in sorted(stops):

            def interrupted(step: int, stop: int = stop):
                if step == stop - 1:
                    signal.raise_signal(signal.SIGINT)
                return batches(step)

            with pytest.raises(KeyboardInterrupt):
                train(fresh(), interrupted, stage, 14, out=Path(directory), precision=precision)
        last = fresh()
        found = train(last, batches, stage, 14, out=Path(directory), precision=precision)
    assert (found.tokens, found.final_loss) == (expected.tokens, expected.final_loss)
    assert all(torch.equal(tensor, last.state_dict()[name]) for name, tensor in whole.state_dict().items())
