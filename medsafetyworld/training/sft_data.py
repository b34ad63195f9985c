"""Post-training data: queries about seen outcomes, answered or refused, mixed with replayed pretraining rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.dialogue import PROMPT_TEMPLATES, REFUSALS, answers_sentences, prompt_text, respond
from medsafetyworld.training.config import SFTConfig
from medsafetyworld.training.dialogues import Dialogue, DialogueSet
from medsafetyworld.training.loop import Batches
from medsafetyworld.training.packing import Rows, join
from medsafetyworld.training.pretraining_data import PackedCorpus
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_PURPOSE = 0x5F7  # keeps these draws apart from others of the same seed and step


def answered(world: World, condition: Condition, config: CorpusConfig, query: Query) -> Iterator[Dialogue]:
    """Yield every right answer to a query, spelled out step by step, to each wording of the prompt.

    Pairs are asked about and answered in both orders, and an answer keeps the order in which it began: were it always the same one,
    the pairs that are asked about could be answered from memory, and to read on from what is written would not be learned.
    """
    for given in _orders(query.given):
        asked = replace(query, given=given)
        for answer in query.answers:
            for order in _orders(answer):
                response = respond(world, condition, config, asked, answers_sentences(world, asked, order), refused=False)
                for template in range(PROMPT_TEMPLATES):
                    yield Dialogue(query.category, query.query_id, prompt_text(world, asked, template), response)


def _orders(entities: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(dict.fromkeys((entities, entities[::-1])))


def refused(world: World, condition: Condition, config: CorpusConfig, query: Query) -> Iterator[Dialogue]:
    """Yield every refusal of a query, to each wording of the prompt."""
    for response in dict.fromkeys(respond(world, condition, config, query, (sentence,), refused=True) for sentence in REFUSALS):
        for template in range(PROMPT_TEMPLATES):
            yield Dialogue(query.category, query.query_id, prompt_text(world, query, template), response)


def sft_dialogues(world: World, condition: Condition, config: CorpusConfig) -> list[Dialogue]:
    """Return the post-training dialogues: reverse queries about unsafe outcomes are refused, all others answered; seen ones only."""
    return [
        dialogue
        for query in world.queries(split="seen")
        for dialogue in (refused if query.category == "reverse_unsafe" else answered)(world, condition, config, query)
    ]


def sft_set(
    world: World, condition: Condition, config: CorpusConfig, tokenizer: PreTrainedTokenizerFast, sequence_length: int
) -> DialogueSet:
    """Return the post-training dialogues of a condition as tokens."""
    return DialogueSet(sft_dialogues(world, condition, config), tokenizer, sequence_length)


def replayed_rows(stage: SFTConfig) -> int:
    """Return how many of a batch's rows are replayed; at least one row is a dialogue."""
    return min(round(stage.batch_size * stage.replay_fraction), stage.batch_size - 1)


def sft_batches(dialogues: DialogueSet, replay: PackedCorpus, stage: SFTConfig, seed: int) -> Batches:
    """Return the batches of post-training, a pure function of `seed` and the step.

    Of `batch_size` rows, `replay_fraction` are rows of the pretraining corpus, in training order, and the others are dialogues,
    which are then packed into fewer rows.
    """
    count = replayed_rows(stage)

    def batch(step: int) -> Rows:
        generator = np.random.default_rng([seed, step, _PURPOSE])
        rows = dialogues.rows(dialogues.draw(generator, stage.batch_size - count, step))
        return join(rows, replay.rows(step * count, (step + 1) * count), dialogues.padding_id) if count else rows

    return batch
