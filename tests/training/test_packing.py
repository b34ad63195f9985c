from __future__ import annotations

import numpy as np

from medsafetyworld.training.packing import IGNORED, end_documents, join, pack, place


def make(lengths, sequence_length=8, **kwargs):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return pack(np.arange(100, 100 + offsets[-1], dtype=np.int32), offsets, sequence_length, padding_id=1, **kwargs)


def test_short_documents_share_a_row():
    rows = make([3, 6, 5])
    assert rows.input_ids.tolist() == [[100, 101, 102, 109, 110, 111, 112, 113], [103, 104, 105, 106, 107, 108, 1, 1]]
    assert rows.position_ids.tolist() == [[0, 1, 2, 0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 0, 0]]
    assert rows.labels.tolist() == [
        [IGNORED, 101, 102, IGNORED, 110, 111, 112, 113],
        [IGNORED, 104, 105, 106, 107, 108, IGNORED, IGNORED],
    ]
    assert rows.tokens == 11


def test_a_long_document_is_cut_into_rows():
    rows = make([19])
    assert rows.input_ids.ravel()[:19].tolist() == list(range(100, 119))
    assert rows.position_ids[:, 0].tolist() == [0, 0, 0]
    assert rows.tokens == 19 - 3


def test_attention_across_documents_is_one_run_of_positions():
    rows = make([3, 5], attend_across_documents=True)
    assert rows.position_ids.tolist() == [list(range(8))]
    assert rows.labels.tolist() == [list(range(100, 108))]


def test_given_labels_are_kept_inside_documents():
    offsets = np.array([0, 4], dtype=np.int64)
    labels = np.array([5, IGNORED, 7, 8], dtype=np.int32)
    rows = pack(np.arange(4, dtype=np.int32), offsets, 6, padding_id=1, labels=labels)
    assert rows.labels.tolist() == [[IGNORED, IGNORED, 7, 8, IGNORED, IGNORED]]


def test_empty_documents_are_skipped_and_the_others_end():
    ids, offsets = end_documents(np.array([5, 6, 7], dtype=np.int32), np.array([0, 0, 2, 2, 3]), 0)
    assert ids.tolist() == [5, 6, 0, 7, 0]
    assert offsets.tolist() == [0, 3, 5]


def test_nothing_to_pack_is_no_row():
    ids, offsets = end_documents(np.zeros(0, dtype=np.int32), np.zeros(4, dtype=np.int64), 0)
    assert len(pack(ids, offsets, 8, padding_id=1)) == 0


def test_rows_of_two_widths_are_joined():
    rows = join(make([3], 4), make([6], 8), padding_id=1)
    assert rows.input_ids.shape == (2, 8)
    assert rows.input_ids[0].tolist() == [100, 101, 102, 1, 1, 1, 1, 1]
    assert rows.tokens == 2 + 5


def test_no_piece_waits_for_ever():
    # long pieces never fit behind one another, short ones always do; the long one at the front must not be overtaken without end
    lengths = np.array([6] + [3] * 1000, dtype=np.int64)
    row, _ = place(lengths, 8)
    assert row[0] == 0
