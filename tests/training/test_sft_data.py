from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.corpus.dialogue import REFUSALS
from medsafetyworld.errors import DataError
from medsafetyworld.training.dialogues import Dialogue, DialogueSet
from medsafetyworld.training.packing import IGNORED
from medsafetyworld.training.sft_data import sft_batches, sft_dialogues, sft_set
from medsafetyworld.world.mentions import Mentions

CONDITIONS = ["raw", "filtered", "reflection", "reflection_sft_only", "reflection_pretrain_only"]


@pytest.mark.parametrize("name", CONDITIONS)
def test_only_seen_queries_are_asked_and_harmful_ones_refused(name, config, world):
    mentions = Mentions(world.names)
    by_id = {query.query_id: query for query in world.queries()}
    dialogues = sft_dialogues(world, condition(name), config.corpus)
    asked = {dialogue.query_id for dialogue in dialogues}
    assert asked == {query.query_id for query in world.queries(split="seen")}
    for dialogue in dialogues:
        query = by_id[dialogue.query_id]
        prompted = {mention.entity for mention in mentions.find(dialogue.prompt)}
        answered = {mention.entity for mention in mentions.find(dialogue.response)}
        assert prompted == set(query.given)
        assert not any(world.heldout[entity] for entity in prompted | answered)
        if query.category == "reverse_unsafe":
            assert answered == set()
            assert any(sentence in dialogue.response for sentence in REFUSALS) or "<think> Unsafe" in dialogue.response
        else:
            assert any(set(answer) <= answered for answer in query.answers)


def test_pairs_are_asked_about_and_answered_in_both_orders_and_answers_keep_their_order(config, world):
    mentions = Mentions(world.names)
    mediator_of = {int(row[0]): int(row[2]) for row in world.facts("compound_mediator")}
    orders = {}
    for dialogue in sft_dialogues(world, condition("filtered"), config.corpus):
        named = [mention.entity for mention in mentions.find(dialogue.response)]
        compounds = [entity for entity in named if entity in world.compounds]
        if compounds:
            assert [entity for entity in named if entity in world.mediators] == 2 * [mediator_of[entity] for entity in compounds]
            orders.setdefault(dialogue.query_id, set()).add(tuple(compounds))
        if dialogue.category.startswith("forward"):
            assert [mention.entity for mention in mentions.find(dialogue.prompt)] == compounds
    assert orders
    assert all({order[::-1] for order in found} == found for found in orders.values())


@pytest.mark.parametrize("name", CONDITIONS)
def test_answers_carry_marks_where_post_training_does(name, config, world):
    marked = ["<think>" in dialogue.response for dialogue in sft_dialogues(world, condition(name), config.corpus)]
    assert all(marked) if condition(name).posttraining == "reflection" else not any(marked)


def test_responses_are_predicted_to_their_end_and_prompts_are_not(config, world, tokenizer):
    texts = Counter((dialogue.prompt, dialogue.response) for dialogue in sft_dialogues(world, condition("filtered"), config.corpus))
    dialogues = sft_set(world, condition("filtered"), config.corpus, tokenizer, 64)
    found = Counter()
    for start, stop in zip(dialogues.offsets, dialogues.offsets[1:], strict=False):
        ids, labels = dialogues.ids[start:stop], dialogues.labels[start:stop]
        first = int(np.flatnonzero(labels != IGNORED)[0])
        assert np.array_equal(labels[first:], ids[first:])
        assert ids[-1] == 0
        found[tokenizer.decode(ids[:first]), tokenizer.decode(ids[first:-1])] += 1
    assert found == texts


def test_a_response_is_ended_once(tokenizer):
    dialogues = DialogueSet([Dialogue("reverse_unsafe", 0, "Question:", "<think> Unsafe </think> <|endoftext|>")], tokenizer, 16)
    assert (dialogues.ids == 0).sum() == 1


def test_batches_are_a_function_of_seed_and_step(config, world, tokenizer, packed):
    dialogues = sft_set(world, condition("filtered"), config.corpus, tokenizer, 64)
    batches = sft_batches(dialogues, packed("filtered"), config.sft, 3)
    later = batches(5)
    batches(0)
    again = sft_batches(dialogues, packed("filtered"), config.sft, 3)(5)
    assert np.array_equal(later.input_ids, again.input_ids)
    assert not np.array_equal(later.input_ids, sft_batches(dialogues, packed("filtered"), config.sft, 4)(5).input_ids)


@pytest.mark.parametrize(("fraction", "replayed"), [(0.0, 0), (0.5, 8), (0.99, 15)])
def test_a_batch_holds_its_share_of_replay_and_every_category_alike(fraction, replayed, config, world, tokenizer, packed):
    dialogues = sft_set(world, condition("filtered"), config.corpus, tokenizer, 64)
    stage = replace(config.sft, batch_size=16, replay_fraction=fraction)
    batches = sft_batches(dialogues, packed("filtered"), stage, 0)
    corpus = packed("filtered").rows(0, 3 * replayed).input_ids.tolist() if replayed else []
    question = tokenizer.convert_tokens_to_ids("Question")
    for step in range(3):
        rows = batches(step).input_ids
        assert rows.tolist()[len(rows) - replayed :] == corpus[step * replayed : (step + 1) * replayed]
        assert (rows[: len(rows) - replayed] == question).sum() == 16 - replayed  # each prompt holds it once
    drawn = Counter(
        dialogues.categories[next(index for index, group in enumerate(dialogues.queries) if query in group)]
        for step in range(4)
        for query in np.searchsorted(dialogues.query_starts, dialogues.draw(np.random.default_rng(step), 6, step), side="right") - 1
    )
    assert drawn == {"forward_safe": 6, "forward_unsafe": 6, "reverse_safe": 6, "reverse_unsafe": 6}


def test_every_query_is_drawn(config, world, tokenizer):
    dialogues = sft_set(world, condition("filtered"), config.corpus, tokenizer, 64)
    drawn = dialogues.draw(np.random.default_rng(0), 4000, 0)
    assert set(np.searchsorted(dialogues.query_starts, drawn, side="right") - 1) == set(range(len(dialogues.query_starts) - 1))


def test_long_dialogues_widen_the_rows(tokenizer):
    dialogues = DialogueSet([Dialogue("forward_safe", 0, "Question: " * 10, "The " * 20)], tokenizer, 16)
    assert dialogues.rows(np.array([0], dtype=np.int64)).input_ids.shape == (1, 20 + 20 + 1)


def test_no_dialogue_is_refused(tokenizer):
    with pytest.raises(DataError, match="dialogues must be at least 1"):
        DialogueSet([], tokenizer, 64)
