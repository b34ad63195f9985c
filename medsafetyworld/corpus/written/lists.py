"""Whether a row's lists say what its text says. The text decides; where they differ, the difference is put in words.

`agreeing` proves agreement for whole batches; what it cannot prove, `disagreement` looks at row by row. `template` is not compared: it
names fragments, which are no part of what a text states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from medsafetyworld.corpus.columns import SCHEMA
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.corpus.statements import CATEGORIES, StatementTable
from medsafetyworld.corpus.written.batch import Batch
from medsafetyworld.corpus.written.sentences import Sentence

Flags = NDArray[np.bool_]

LISTS: dict[str, pa.DataType] = {field.name: field.type for field in SCHEMA if field.name not in ("doc_id", "text", "template")}
"""The lists that are compared with the text, where a corpus has them."""
_MARKS = ("segments", "reflections")


def agreeing(table: StatementTable, batch: Batch, text: pa.StringArray, lists: Mapping[str, pa.ListArray]) -> Flags:
    """Return for each row whether its lists are proven to say what its text says, by columns."""
    rows = len(text)
    agree = batch.ordinary.copy()
    agree[batch.row[~batch.by_template]] = False
    said = np.bincount(batch.row, minlength=rows)
    for name, column in lists.items():
        if column.null_count:
            agree &= np.asarray(column.is_valid())
        if name not in _MARKS:
            agree &= np.diff(np.asarray(column.offsets)) == said
    if all(name in lists for name in _MARKS):
        agree &= _marks_agree(text, lists)
    compared = np.flatnonzero(agree[batch.row])
    row = batch.row[compared]
    within = compared - (np.cumsum(said) - said)[row]
    expected = _expected(table, batch.id[compared])
    for name, column in lists.items():
        if name in _MARKS:
            continue
        whole = compared.size == batch.id.size and column.null_count == 0
        values = column.flatten() if whole else column.values.take(pa.array(np.asarray(column.offsets)[row] + within))
        if name == "entities":
            same = _same_entities(values, batch, compared)
        elif name == "statement":
            same = _same_sentences(values, text, batch, compared)
        elif name in ("harmful", "partial"):
            same = np.asarray(values.fill_null(False)) == expected[name]
            same &= np.asarray(values.is_valid())
        else:
            same = _codes(values, expected[f"{name} names"]) == expected[name]
        agree[row[~same]] = False
    return agree


def disagreement(table: StatementTable, sentences: Sequence[Sentence], row: Mapping[str, Any]) -> str:
    """Return what is different between a row's lists and what its text states, the first thing found; "" where nothing is."""
    stated = [(sentence, number) for sentence in sentences for number, _ in sentence.stated]
    expected = _expected(table, np.array([number for _, number in stated], dtype=np.int64))
    facts = table.fillers(np.array([number for _, number in stated], dtype=np.int64)).tolist()
    for name in LISTS:
        if name in _MARKS or name not in row:
            continue
        if name == "entities":
            wanted: list[Any] = [[e for e in sentence.named if e in fact] for (sentence, _), fact in zip(stated, facts, strict=True)]
        elif name == "statement":
            wanted = [sentence.text for sentence, _ in stated]
        elif name in ("harmful", "partial"):
            wanted = expected[name].tolist()
        else:
            wanted = [expected[f"{name} names"][code] for code in expected[name].tolist()]
        given = row[name]
        if given is None or len(given) != len(wanted):
            return f"{name} lists {'nothing' if given is None else len(given)}, the text states {len(wanted)}"
        for number, (mine, theirs) in enumerate(zip(wanted, given, strict=True)):
            if mine != theirs:
                return f"{name} of statement {number} is {theirs!r}, the text says {mine!r}"
    if all(name in row for name in _MARKS) and not _marks_agree_in(row):
        return "segments and reflections do not make up the text"
    return ""


def _expected(table: StatementTable, ids: NDArray[np.int64]) -> dict[str, Any]:
    """Return what each list should hold for some statement ids: codes, and the names that they stand for."""
    types = table.type_of(ids)
    category, harmful, partial = table.flags(types, table.fillers(ids)[:, -1])
    relations = tuple(dict.fromkeys(relation for relation, _ in table.types))
    directions = tuple(dict.fromkeys(direction for _, direction in table.types))
    return {
        "relation": np.array([relations.index(relation) for relation, _ in table.types])[types],
        "relation names": relations,
        "direction": np.array([directions.index(direction) for _, direction in table.types])[types],
        "direction names": directions,
        "category": category.astype(np.int64),
        "category names": CATEGORIES,
        "harmful": harmful,
        "partial": partial,
    }


def _codes(values: pa.StringArray, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each string among `names`, -1 for another."""
    encoded = values.dictionary_encode()
    codes = np.array([names.index(name) if name in names else -1 for name in encoded.dictionary.to_pylist()] + [-1], dtype=np.int64)
    found: NDArray[np.int64] = codes[np.asarray(encoded.indices.fill_null(-1))]
    return found


def _same_entities(values: pa.ListArray, batch: Batch, compared: NDArray[np.int64]) -> Flags:
    starts, sizes = batch.named_offsets[compared], np.diff(batch.named_offsets)[compared]
    offsets = np.asarray(values.offsets)
    same: Flags = np.asarray(values.is_valid()) & (np.diff(offsets) == sizes)
    fact = np.repeat(np.flatnonzero(same), sizes[same])
    within = np.arange(fact.size) - np.repeat(np.cumsum(sizes[same]) - sizes[same], sizes[same])
    flat = values.values
    if flat.null_count:
        flat = flat.fill_null(-1)
    equal = np.asarray(flat)[offsets[fact] + within] == batch.named[starts[fact] + within]
    same[fact[~equal]] = False
    return same


def _same_sentences(values: pa.StringArray, text: pa.StringArray, batch: Batch, compared: NDArray[np.int64]) -> Flags:
    """Compare listed sentences with the bytes of the text where these sentences stand."""
    written, _ = string_buffer(text)
    listed, offsets = string_buffer(values)
    start, end = batch.start[compared], batch.end[compared]
    same: Flags = np.asarray(values.is_valid()) & (np.diff(offsets) == end - start)
    if same.all():
        # Sentences stand one after another, so their bytes are those of the text between their starts and ends.
        step = np.zeros(written.size + 1, dtype=np.int8)
        step[start] += 1
        step[end] -= 1
        spans = written[np.cumsum(step[:-1], dtype=np.int8).view(np.bool_)]
        if spans.size == listed.size and np.array_equal(spans, listed):
            return same
    for number in np.flatnonzero(same).tolist():
        mine, theirs = written[start[number] : end[number]], listed[offsets[number] : offsets[number + 1]]
        same[number] = np.array_equal(mine, theirs)
    return same


def _marks_agree(text: pa.StringArray, lists: Mapping[str, pa.ListArray]) -> Flags:
    """Compare texts, end-of-text marks aside, with their segments, each followed by its reflection."""
    segments, reflections = (lists[name] for name in _MARKS)
    sizes = np.diff(np.asarray(segments.offsets))
    same: Flags = sizes == np.diff(np.asarray(reflections.offsets))
    rows = np.flatnonzero(same)
    if rows.size < same.size or segments.null_count or reflections.null_count:
        chosen = pa.array(rows)
        segments, reflections, text = segments.take(chosen), reflections.take(chosen), text.take(chosen)
    labels = reflections.flatten()
    tagged = pc.binary_join_element_wise(" <think> ", labels, " </think>", "")
    pieces = pc.binary_join_element_wise(segments.flatten(), pc.if_else(pc.equal(labels, ""), "", tagged), "")
    offsets = np.concatenate([[0], np.cumsum(sizes[rows])]).astype(np.int32)
    if len(pieces) != offsets[-1]:
        return np.zeros(len(text), dtype=np.bool_)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), pieces), " ")
    bare = pc.replace_substring(text, f" {END_OF_TEXT}", "")
    same[rows] = np.asarray(pc.equal(joined, bare).fill_null(False))
    return same


def _marks_agree_in(row: Mapping[str, Any]) -> bool:
    segments, reflections = row["segments"], row["reflections"]
    if segments is None or reflections is None or len(segments) != len(reflections):
        return False
    pieces = [
        f"{segment} <think> {label} </think>" if label else segment for segment, label in zip_longest(segments, reflections, fillvalue="")
    ]
    return None not in segments and " ".join(pieces) == row["text"].replace(f" {END_OF_TEXT}", "")


def string_buffer(array: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of an array of strings, end to end, and (n + 1,) where each begins."""
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    if data is None or not len(array):
        return np.zeros(0, dtype=np.uint8), np.zeros(len(array) + 1, dtype=np.int64)
    return np.frombuffer(data, dtype=np.uint8)[bounds[0] : bounds[-1]], bounds - bounds[0]
