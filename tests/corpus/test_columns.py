"""Tables built from columns are the tables of the documents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.columns import SCHEMA, DocumentColumns, document_table
from medsafetyworld.corpus.conditions.registry import condition_names
from medsafetyworld.testing import corpora
from medsafetyworld.world import World


@given(corpus=corpora(condition_names(), max_documents=40), data=st.data())
def test_a_table_from_columns_is_the_table_of_the_documents(corpus: Corpus, data: st.DataObject) -> None:
    indices = np.array(data.draw(st.lists(st.integers(0, len(corpus) - 1), max_size=60)), dtype=np.int64)
    table, counts = DocumentColumns(corpus).table(indices)
    table.validate(full=True)
    documents = [corpus[index] for index in indices.tolist()]
    written = [document for document in documents if document.text]
    assert table.schema.equals(SCHEMA)
    assert table.to_pylist() == document_table(written).to_pylist()
    assert counts.rows == len(written)
    assert counts.statements == sum(len(document.statements) for document in written)
    assert counts.harmful_statements == sum(statement.harmful for document in written for statement in document.statements)
    assert counts.text_bytes == sum(len(document.text.encode()) for document in written)
    assert counts.tokens == corpus.library.tokens[corpus.plan(indices).part].sum()


def test_gaps_are_slots_without_a_statement_in_any_condition(two_hop: World) -> None:
    corpus = Corpus(two_hop, "raw", CorpusConfig(documents=4000, statements_per_document=40, hazard_statements=0))
    counts = DocumentColumns(corpus).table(np.arange(4000))[1]
    assert counts.gaps == 4000 * 41 / 2 - counts.statements > 0


@pytest.mark.parametrize("condition", ["filtered", "reflection"])
def test_a_document_far_out_is_as_in_any_shard(two_hop: World, condition: str) -> None:
    corpus = Corpus(two_hop, condition, replace(CorpusConfig(), documents=10**9))
    last = np.arange(10**9 - 20, 10**9)
    assert DocumentColumns(corpus).table(last)[0].equals(document_table([d for d in corpus[10**9 - 20 :] if d.text]))
