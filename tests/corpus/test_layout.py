"""Documents' sizes, and statements that must not meet."""

from __future__ import annotations

import numpy as np
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.layout import LayoutPlanner
from medsafetyworld.corpus.statements import StatementTable
from medsafetyworld.world import World

LEADING_ON = {"compound_mediator", "compound_pair_mediator_pair", "mediator_mediator", "mediator_pair_mediator_pair", "chain"}


@pytest.mark.parametrize("largest", [1, 2, 3, 5])
def test_each_block_holds_every_size_once(world: World, largest: int) -> None:
    config = CorpusConfig(documents=60, statements_per_document=largest)
    layout = LayoutPlanner(StatementTable(world, config), config).layout(np.arange(60))
    slots = np.bincount(layout.document, minlength=60)
    if layout.gaps == 0:
        for block in slots.reshape(-1, largest):
            assert sorted(block.tolist()) == list(range(1, largest + 1))
    assert slots.sum() + layout.gaps == 60 // largest * largest * (largest + 1) // 2
    assert len(set(layout.slot.tolist())) == layout.slot.size


def test_sizes_come_in_varying_order(two_hop: World) -> None:
    config = CorpusConfig(documents=60)
    layout = LayoutPlanner(StatementTable(two_hop, config), config).layout(np.arange(60))
    assert len({tuple(block) for block in np.bincount(layout.document).reshape(-1, 3).tolist()}) > 3


def test_any_order_and_repeats_give_the_same_documents(world: World) -> None:
    config = CorpusConfig(documents=50, statements_per_document=4)
    planner = LayoutPlanner(StatementTable(world, config), config)
    whole = planner.layout(np.arange(50))
    asked = np.array([49, 3, 3, 0, 17])
    some = planner.layout(asked)
    for position, index in enumerate(asked):
        assert some.id[some.document == position].tolist() == whole.id[whole.document == index].tolist()
        assert some.slot[some.document == position].tolist() == whole.slot[whole.document == index].tolist()


def meetings(corpus: Corpus) -> int:
    """Count by the slow definition: an opening of a held-out outcome beside what leads on from one of its mediators."""
    world, count = corpus.world, 0
    for document in corpus:
        reverse = [statement for statement in document.statements if statement.direction == "reverse"]
        for opening in reverse:
            if opening.relation != "mediator_pair_outcome":
                continue
            outcome = next(entity for entity in opening.entities if world.kind[entity] == 2)
            mediators = {entity for entity in opening.entities if world.kind[entity] == 1}
            if not world.heldout[outcome]:
                continue
            for other in reverse:
                causes = set(other.entities) & set(world.mediator_layers[-1])
                met = mediators & causes
                whole = other.relation == "chain" and met == mediators
                count += other.relation in LEADING_ON and bool(met) and not whole
    return count


@pytest.mark.parametrize("largest", [2, 3, 6])
@pytest.mark.parametrize("condition", ["raw", "rewritten", "filtered"])
@pytest.mark.parametrize("name", ["two_hop", "three_hop"])
def test_statements_that_join_into_a_heldout_chain_never_share_a_document(
    worlds: dict[str, World], name: str, largest: int, condition: str
) -> None:
    config = CorpusConfig(documents=1500, statements_per_document=largest, topic_share=0.0, framing_share=0.0)
    assert meetings(Corpus(worlds[name], condition, config)) == 0


def test_no_document_joins_a_whole_heldout_chain_of_three_hops(three_hop: World) -> None:
    """From no held-out outcome can one walk back further than its mediators through the local reverse statements of a document."""
    for document in Corpus(three_hop, "raw", CorpusConfig(documents=1500, statements_per_document=12)):
        back: dict[int, set[int]] = {}
        for statement in document.statements:
            if statement.direction == "reverse" and statement.relation != "chain":
                for cause, effect in links(three_hop, statement.entities):
                    back.setdefault(effect, set()).add(cause)
        for outcome in three_hop.outcomes:
            if three_hop.heldout[outcome]:
                reached = set().union(*(back.get(one, set()) for one in back.get(outcome, set())))
                assert not reached, "an opening and what leads on from it share a document"


def links(world: World, entities: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the (cause, effect) edges of the graph among some entities."""
    return [(cause, effect) for cause, effect in world.graph.subgraph(entities).edges()]


def test_without_the_rule_they_would_meet(two_hop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CorpusConfig(documents=1500, statements_per_document=6, topic_share=0.0, framing_share=0.0)
    kept = Corpus(two_hop, "raw", config)
    total = kept.statement_columns(np.arange(1500)).core.size
    assert meetings(kept) == 0
    monkeypatch.setattr(StatementTable, "opens_heldout_chain", lambda self, ids: np.zeros(ids.shape, dtype=bool))
    free = Corpus(two_hop, "raw", config)
    assert meetings(free) > 0
    assert free.statement_columns(np.arange(1500)).core.size == total + kept.statements_and_gaps(np.arange(1500))[1]


def test_a_conflict_without_a_way_out_leaves_a_gap(two_hop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medsafetyworld.corpus.layout.ATTEMPTS", 0)
    corpus = Corpus(two_hop, "raw", CorpusConfig(documents=1500, statements_per_document=6, topic_share=0.0, framing_share=0.0))
    gaps = corpus.statements_and_gaps(np.arange(1500))[1]
    assert gaps > 0
    assert meetings(corpus) == 0
    assert corpus.statement_columns(np.arange(1500)).core.size == 5250 - gaps
