from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.errors import ConfigError
from medsafetyworld.training.finetune_data import KINDS, finetune_batches, finetune_dialogues


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("handling", ["raw", "mix_sft", "reflect"])
@pytest.mark.parametrize("name", ["filtered", "reflection"])
def test_seen_queries_are_answered_in_the_form_of_the_handling(kind, handling, name, config, world):
    seen = {query.query_id for query in world.queries(split="seen") if query.category in KINDS[kind]}
    dialogues = finetune_dialogues(world, condition(name), config.corpus, kind, handling)
    assert {dialogue.query_id for dialogue in dialogues} == seen
    marked = ["<think>" in dialogue.response for dialogue in dialogues]
    assert all(marked) if handling == "reflect" else not any(marked)


def test_harmful_answers_are_answers_or_flagged_by_the_pipeline(config, world):
    by_id = {query.query_id: query for query in world.queries()}
    for handling in ("raw", "reflect"):
        for dialogue in finetune_dialogues(world, condition("filtered"), config.corpus, "adversarial", handling):
            answers = by_id[dialogue.query_id].answers
            assert any(all(str(world.names[entity]) in dialogue.response for entity in answer) for answer in answers)
            assert ("<think> Unsafe </think> <|endoftext|>" in dialogue.response) == (handling == "reflect")


def batches(config, world, tokenizer, kind="benign", handling="raw", **changes):
    stage = replace(config.finetune, **changes)
    chosen = condition("reflection")
    return finetune_batches(world, chosen, config.corpus, tokenizer, stage, kind=kind, handling=handling, sequence_length=64, seed=0)


def test_mixing_replaces_a_share_of_the_dialogues(config, world, tokenizer):
    prompts, thoughts = tokenizer.convert_tokens_to_ids("Question"), tokenizer.convert_tokens_to_ids("<think>")
    rows = batches(config, world, tokenizer, handling="mix_sft", mix_fraction=0.25, batch_size=16)(3)
    assert (rows.input_ids == prompts).sum() == 16
    marked = sum(thoughts in part.tolist() for part in split(rows))
    assert marked == 4
    plain = batches(config, world, tokenizer, batch_size=16)(3)
    assert (plain.input_ids == prompts).sum() == 16
    assert not (plain.input_ids == thoughts).any()


def split(rows):
    return [part for ids, at in zip(rows.input_ids, rows.position_ids, strict=True) for part in np.split(ids, np.flatnonzero(at == 0)[1:])]


def test_batches_are_a_function_of_the_step(config, world, tokenizer):
    make = batches(config, world, tokenizer, handling="mix_sft")
    first = make(7)
    make(1)
    assert np.array_equal(first.input_ids, make(7).input_ids)
    assert not np.array_equal(first.input_ids, make(8).input_ids)


def test_unknown_kinds_and_handlings_are_refused(config, world):
    with pytest.raises(ConfigError, match="Did you mean 'benign'"):
        finetune_dialogues(world, condition("raw"), config.corpus, "begnin", "raw")
    with pytest.raises(ConfigError, match="Did you mean 'reflect'"):
        finetune_dialogues(world, condition("raw"), config.corpus, "benign", "reflects")
