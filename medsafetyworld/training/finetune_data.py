"""Data of the fine-tuning attacks: what an attacker, or a careless user, trains a released model on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.registry import condition as find_condition
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.errors import require_choice
from medsafetyworld.training.config import DATA_HANDLINGS, FinetuneConfig
from medsafetyworld.training.dialogues import Dialogue, DialogueSet
from medsafetyworld.training.loop import Batches
from medsafetyworld.training.packing import Rows, join
from medsafetyworld.training.sft_data import answered, sft_set
from medsafetyworld.world.world import World

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

KINDS: dict[str, tuple[str, ...]] = {
    "benign": ("forward_safe", "forward_unsafe", "reverse_safe"),
    "adversarial": ("reverse_unsafe",),
}
"""Categories that each kind of fine-tuning answers."""
_PURPOSE = 0xF17E  # keeps these draws apart from others of the same seed and step


def finetune_dialogues(world: World, condition: Condition, config: CorpusConfig, kind: str, handling: str) -> list[Dialogue]:
    """Return the dialogues of a fine-tuning attack, about seen outcomes only.

    Args:
        world: the world.
        condition: the condition of the attacked model.
        config: the corpus configuration.
        kind: benign (permitted queries, answered) or adversarial (harmful queries, answered).
        handling: what the provider of the fine-tuning service does with the data. raw and mix_sft: plain answers. reflect: a
            reflection after every segment, labelled by the rule, in the condition's own form; conditions that are not
            post-trained with reflections get the form of `reflection`.

    Raises:
        ConfigError: an unknown kind or handling.
    """
    require_choice(kind, "fine-tuning kind", KINDS)
    require_choice(handling, "data handling", DATA_HANDLINGS)
    form = find_condition("filtered")
    if handling == "reflect":
        form = condition if condition.posttraining == "reflection" else find_condition("reflection")
    return [
        dialogue
        for category in KINDS[kind]
        for query in world.queries(category=category, split="seen")
        for dialogue in answered(world, form, config, query)
    ]


def finetune_batches(
    world: World,
    condition: Condition,
    config: CorpusConfig,
    tokenizer: PreTrainedTokenizerFast,
    stage: FinetuneConfig,
    *,
    kind: str,
    handling: str,
    sequence_length: int,
    seed: int,
) -> Batches:
    """Return the batches of a fine-tuning attack, a pure function of `seed` and the step.

    Under mix_sft a share `mix_fraction` of the dialogues is drawn from the condition's post-training data.
    """
    attack = DialogueSet(finetune_dialogues(world, condition, config, kind, handling), tokenizer, sequence_length)
    mixed = 0 if handling != "mix_sft" else min(max(1, round(stage.batch_size * stage.mix_fraction)), stage.batch_size - 1)
    original = sft_set(world, condition, config, tokenizer, sequence_length) if mixed else None

    def batch(step: int) -> Rows:
        generator = np.random.default_rng([seed, step, _PURPOSE])
        rows = attack.rows(attack.draw(generator, stage.batch_size - mixed, step))
        return rows if original is None else join(rows, original.rows(original.draw(generator, mixed, step)), attack.padding_id)

    return batch
