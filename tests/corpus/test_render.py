"""Rendering against filling each fragment on its own."""

from __future__ import annotations

import numpy as np

from medsafetyworld.corpus.library import library
from medsafetyworld.corpus.render import Plan, render


def test_every_fragment_renders_as_it_reads() -> None:
    compiled = library("two_hop", ("cardiac",))
    names = np.array(["100% mild cough", "dull %s ache", "zed", "vex", "low tone"], dtype=object)
    parts = np.arange(len(compiled.fragments), dtype=np.int32)[::-1]
    entities = np.where(compiled.used[parts], np.arange(5, dtype=np.int32)[::-1], np.int32(-1)).astype(np.int32)
    plan = Plan(parts, entities, np.arange(parts.size + 1))
    fillers = dict(enumerate(names[::-1].tolist()))
    assert render(plan, compiled, names) == [compiled.fragments[part].text(fillers) for part in parts]


def test_parts_of_a_document_are_joined_by_single_spaces() -> None:
    compiled = library("two_hop", ("cardiac",))
    parts = np.array([compiled.index_of("Note:"), compiled.index_of("This is settled."), compiled.index_of("Note:")], dtype=np.int32)
    plan = Plan(parts, np.full((3, 5), -1, dtype=np.int32), np.array([0, 2, 2, 3]))
    assert render(plan, compiled, np.array([], dtype=object)) == ["Note: This is settled.", "", "Note:"]
