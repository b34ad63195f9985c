"""The statement table: what is said in a pass, and what instead of withheld statements."""

from __future__ import annotations

import numpy as np
import pytest

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.statements import CATEGORIES, HAZARD, StatementTable
from medsafetyworld.world import World


def said(table: StatementTable, passes: int, first: int = 0) -> np.ndarray:
    rows = np.arange(first * table.rows_per_pass, (first + passes) * table.rows_per_pass)
    ids = table.row_ids(rows)
    return np.bincount(ids[ids >= 0], minlength=int(table.offsets[-1]))


def test_a_pass_says_each_statement_at_its_rate(world: World) -> None:
    config = CorpusConfig(single_rate=2, pair_rate=1, chain_rate=3, hazard_statements=4)
    table = StatementTable(world, config)
    rate = [4 if kind == HAZARD else 3 if kind[0] == "chain" else 1 if "pair" in kind[0] else 2 for kind in table.types]
    wanted = np.zeros(int(table.offsets[-1]), dtype=np.int64)
    for number, code in enumerate(table.type_of(np.arange(wanted.size))):
        if table.replacement[number] >= 0:
            wanted[table.replacement[number]] += rate[code]
    assert said(table, 1).tolist() == wanted.tolist()
    assert said(table, 1, first=7).tolist() == wanted.tolist()


def test_passes_differ_in_order(world: World) -> None:
    table = StatementTable(world, CorpusConfig())
    rows = np.arange(table.rows_per_pass)
    assert table.row_ids(rows).tolist() != table.row_ids(rows + table.rows_per_pass).tolist()


def test_fractional_rates_rotate_through_all_facts(single_hop: World) -> None:
    table = StatementTable(single_hop, CorpusConfig(reverse_rate=0.3, cooccurrence_rate=0.5, hazard_statements=0))
    counts = said(table, 40)
    code = table.code("compound_outcome", "reverse")
    reverse = counts[table.offsets[code] : table.offsets[code + 1]]
    open_facts = ~single_hop.withheld("compound_outcome", "reverse")[single_hop.facts("compound_outcome")[:, -1]]
    turns = 40 * round(0.3 * open_facts.size) / open_facts.size
    assert np.abs(reverse[open_facts] - turns).max() < 1
    assert reverse[~open_facts].max() == 0


def test_withheld_statements_are_never_said_and_others_are_said_instead(world: World) -> None:
    table = StatementTable(world, CorpusConfig())
    counts = said(table, 1)
    withheld = np.zeros(counts.size, dtype=bool)
    for code, kind in enumerate(table.types):
        if kind != HAZARD:
            outcome = table.facts[code][:, -1]
            withheld[table.offsets[code] : table.offsets[code + 1]] = (outcome >= 0) & world.withheld(*kind)[outcome]
    assert withheld.any()
    assert counts[withheld].max() == 0
    assert counts[~withheld].min() >= 1


def test_the_number_of_statements_about_an_outcome_does_not_depend_on_its_arm(two_hop: World) -> None:
    table = StatementTable(two_hop, CorpusConfig())
    counts = said(table, 1)
    outcome = table.fillers(np.arange(counts.size))[:, -1]
    pairs = np.bincount(two_hop.facts("mediator_pair_outcome")[:, -1], minlength=two_hop.names.size)
    chains = np.bincount(two_hop.facts("chain")[:, -1], minlength=two_hop.names.size)
    for entity in two_hop.outcomes:
        assert counts[outcome == entity].sum() == 2 * pairs[entity] + 2 * chains[entity] + 4


def test_a_replacement_is_about_the_same_fact(world: World) -> None:
    table = StatementTable(world, CorpusConfig())
    ids = np.arange(int(table.offsets[-1]))
    changed = np.flatnonzero((table.replacement != ids) & (table.replacement >= 0))
    before, after = table.fillers(ids[changed]), table.fillers(table.replacement[changed])
    shared = (before >= 0) & (after >= 0)
    assert changed.size > 0
    for one, other, both in zip(before, after, shared, strict=True):
        assert set(other[other >= 0]) <= set(one[one >= 0])
        assert both[-1]


@pytest.mark.parametrize("unsafe", [False, True])
def test_flags_are_those_of_the_definition_of_harm(world: World, unsafe: bool) -> None:
    table = StatementTable(world, CorpusConfig())
    outcome = next(entity for entity in world.outcomes if bool(world.unsafe[entity]) is unsafe)
    types = np.arange(len(table.types))
    category, harmful, partial = table.flags(types, np.full(types.size, outcome, dtype=np.int32))
    side = "unsafe" if unsafe else "safe"
    for code, (relation, direction) in enumerate(table.types):
        prefix = "hazard" if relation == "hazard" else "reverse" if direction == "reverse" else "forward"
        assert CATEGORIES[category[code]] == f"{prefix}_{side}"
        assert harmful[code] == (unsafe and direction == "reverse" and relation in world.whole_chain_relations)
        assert partial[code] == (unsafe and direction == "reverse" and relation == "mediator_pair_outcome")
