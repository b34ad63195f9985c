"""A corpus as a sequence."""

from __future__ import annotations

import pickle
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig
from medsafetyworld.corpus.library import TOKEN_PATTERN
from medsafetyworld.corpus.render import render
from medsafetyworld.world import World

CONFIG = CorpusConfig(documents=90)


def test_it_is_a_sequence(world: World) -> None:
    corpus = Corpus(world, "raw", CONFIG)
    documents = list(corpus)
    assert len(corpus) == len(documents) == 90
    assert [document.index for document in documents] == list(range(90))
    assert corpus[5] == documents[5] == corpus[np.int64(5)]
    assert corpus[-1] == documents[-1]
    assert corpus[10:40:7] == documents[10:40:7]
    assert corpus[::-1] == documents[::-1]
    assert corpus[90:] == []
    with pytest.raises(IndexError, match="Got 90"):
        corpus[90]


def test_plans_render_to_the_documents(world: World) -> None:
    for condition in ("raw", "filtered", "reflection", "filtered_plus"):
        corpus = Corpus(world, condition, CONFIG)
        indices = corpus.training_order(0, 90)
        plan, documents = corpus.plan(indices), list(corpus)
        assert render(plan, corpus.library, world.names) == [documents[index].text for index in indices.tolist()]
        used = corpus.library.used[plan.part]
        assert ((plan.entities >= 0) == used).all()


def test_an_empty_plan_has_no_parts(two_hop: World) -> None:
    corpus = Corpus(two_hop, "reflection", CONFIG)
    assert render(corpus.plan(np.empty(0, dtype=np.int64)), corpus.library, two_hop.names) == []


def test_tokens_of_fragments_count_those_of_the_text(world: World) -> None:
    corpus = Corpus(world, "reflection", CONFIG)
    plan = corpus.plan(np.arange(90))
    names = np.array(["name"] * world.names.size, dtype=object)
    texts = render(plan, corpus.library, names)
    assert corpus.library.tokens[plan.part].sum() == sum(len(TOKEN_PATTERN.findall(text)) for text in texts)


def test_training_order_is_a_bijection(world: World) -> None:
    corpus = Corpus(world, "raw", CONFIG)
    order = corpus.training_order(0, 90)
    assert sorted(order.tolist()) == list(range(90))
    assert order.tolist() != list(range(90))
    assert corpus.training_order(20, 200).tolist() == order[20:].tolist()
    assert corpus.training_position(order).tolist() == list(range(90))
    assert Corpus(world, "filtered", CONFIG).training_order(0, 90).tolist() == order.tolist()


def test_neighbouring_seeds_share_no_documents(world: World) -> None:
    one, other = (
        {document.text for document in Corpus(world, "raw", CorpusConfig(documents=90, seed=seed)) if len(document.statements) > 1}
        for seed in (0, 1)
    )
    assert not one & other


def test_a_pickled_corpus_is_the_same(world: World) -> None:
    corpus = Corpus(world, "reflection", CONFIG)
    assert list(pickle.loads(pickle.dumps(corpus))) == list(corpus)


def test_shares_of_framings_and_closings_are_those_of_the_configuration(world: World) -> None:
    corpus = Corpus(world, "raw", CorpusConfig(documents=4000, topic_share=0.5, framing_share=0.3, closing_share=0.25))
    kinds = Counter()
    for document in corpus:
        for statement in document.statements:
            framing, _, closing = statement.template.split("+")
            kinds[framing.split(".")[1] if framing != "-" else "none"] += 1
            kinds["closing"] += closing != "-"
    total = kinds["topic"] + kinds["plain"] + kinds["none"]
    assert [kinds[kind] / total for kind in ("topic", "plain", "none", "closing")] == pytest.approx([0.5, 0.3, 0.2, 0.25], abs=0.03)


def test_a_topic_names_what_the_statement_starts_from(world: World) -> None:
    layers = (world.compounds, *world.mediator_layers, world.outcomes)
    for document in Corpus(world, "raw", CorpusConfig(documents=600, topic_share=1.0, framing_share=0.0)):
        for statement in document.statements:
            first, *others = (next(number for number, layer in enumerate(layers) if one in layer) for one in statement.entities)
            if statement.direction == "forward":
                assert first <= min(others)
            elif statement.direction in ("reverse", "none"):
                assert first >= max(others, default=len(layers) - 1)


def test_pairs_stay_aligned_through_all_layers(three_hop: World) -> None:
    effect = dict([*three_hop.single_edges.tolist(), *three_hop.mediator_edges.tolist()])
    rising = {"chain": [], "mediator_pair_mediator_pair": []}
    for document in Corpus(three_hop, "raw", CorpusConfig(documents=600, topic_share=0.0)):
        for statement in document.statements:
            if statement.relation in rising:
                entities = statement.entities if statement.relation != "chain" else [e for e in statement.entities if three_hop.kind[e] < 2]
                pairs = [tuple(entities[start : start + 2]) for start in range(0, len(entities), 2)]
                pairs = pairs if statement.direction == "forward" else pairs[::-1]
                assert all(tuple(effect[one] for one in before) == after for before, after in pairwise(pairs))
                rising[statement.relation].append(pairs[-1][0] < pairs[-1][1])
    assert all(0.3 < np.mean(found) < 0.7 for found in rising.values())


def test_pairs_are_mentioned_in_either_order_and_stay_aligned(two_hop: World) -> None:
    causes = dict(two_hop.facts("compound_mediator")[:, [0, 2]].tolist())
    rising = []
    for document in Corpus(two_hop, "raw", CorpusConfig(documents=600, topic_share=0.0)):
        for statement in document.statements:
            if statement.relation == "compound_pair_mediator_pair":
                first, second = statement.entities[:2], statement.entities[2:]
                compounds, mediators = (first, second) if statement.direction == "forward" else (second, first)
                assert tuple(causes[compound] for compound in compounds) == mediators
                rising.append(compounds[0] < compounds[1])
    assert 0.3 < np.mean(rising) < 0.7


def test_average_statement_is_short(worlds: dict[str, World]) -> None:
    for world in worlds.values():
        corpus = Corpus(world, "raw", CorpusConfig(documents=3000))
        indices = np.arange(3000)
        tokens = corpus.library.tokens[corpus.plan(indices).part].sum() / corpus.statement_columns(indices).core.size
        assert 9 < tokens < 17
