"""The stages of a model's life, each a plain function: pretraining, post-training, a fine-tuning attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.training.finetune_data import finetune_batches
from medsafetyworld.training.loop import OnProgress, TrainSummary, train
from medsafetyworld.training.model import build_model
from medsafetyworld.training.precision import Precision
from medsafetyworld.training.pretraining_data import PackedCorpus
from medsafetyworld.training.sft_data import replayed_rows, sft_batches, sft_set
from medsafetyworld.world.world import World

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

    from medsafetyworld.presets import RunConfig


def pretrain(
    config: RunConfig,
    packed: PackedCorpus,
    *,
    vocabulary_size: int,
    out: Path | None = None,
    device: str = "cpu",
    precision: Precision | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[LlamaForCausalLM, TrainSummary]:
    """Build a model and pretrain it on the rows of a corpus in training order: one pass, or as many steps as are configured.

    Args:
        config: `model`, `pretrain` and `seed` are used.
        packed: the rows.
        vocabulary_size: tokens of the world's tokenizer.
        out: directory of metrics and of the state from which an interrupted call continues (see `loop.train`).
        device: torch device.
        precision: number format; None measures it.
        on_progress: called every few steps.
    """
    stage = config.pretrain
    model = build_model(
        config.model,
        vocabulary_size,
        config.seed,
        end_of_text_id=packed.table.end_id,
        padding_id=packed.table.padding_id,
        device=device,
    )
    summary = train(
        model,
        lambda step: packed.rows(step * stage.batch_size, (step + 1) * stage.batch_size),
        stage,
        pretraining_steps(config, packed),
        out=out,
        precision=precision,
        on_progress=on_progress,
    )
    return model, summary


def pretraining_steps(config: RunConfig, packed: PackedCorpus) -> int:
    """Return the number of steps of pretraining: what is configured, or one pass."""
    return config.pretrain.steps or -(-len(packed) // config.pretrain.batch_size)


def posttrain(
    config: RunConfig,
    world: World,
    condition: Condition,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    packed: PackedCorpus,
    *,
    out: Path | None = None,
    precision: Precision | None = None,
    on_progress: OnProgress | None = None,
) -> TrainSummary:
    """Post-train a pretrained `model` in place on queries about seen outcomes, with replay of its pretraining rows.

    Args:
        config: `corpus`, `sft`, `pretrain.sequence_length` and `seed` are used.
        world: the world of the queries.
        condition: says in what form answers are written.
        model: the pretrained model.
        tokenizer: the world's tokenizer.
        packed: the rows on which the model was pretrained.
        out: see `loop.train`.
        precision: number format; None measures it.
        on_progress: called every few steps.
    """
    dialogues = sft_set(world, condition, config.corpus, tokenizer, config.pretrain.sequence_length)
    queries = sum(len(group) for group in dialogues.queries)
    steps = config.sft.steps or -(-queries // (config.sft.batch_size - replayed_rows(config.sft)))
    batches = sft_batches(dialogues, packed, config.sft, config.seed)
    return train(model, batches, config.sft, steps, out=out, precision=precision, on_progress=on_progress)


def finetune(
    config: RunConfig,
    world: World,
    condition: Condition,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    *,
    kind: str,
    handling: str,
    snapshot_steps: Sequence[int] = (),
    on_snapshot: Callable[[int], None] | None = None,
    out: Path | None = None,
    precision: Precision | None = None,
    on_progress: OnProgress | None = None,
) -> TrainSummary:
    """Attack a post-trained `model` by fine-tuning it in place.

    Args:
        config: `corpus`, `finetune`, `pretrain.sequence_length` and `seed` are used; `finetune.steps` is the dose (None: 60).
        world: the world of the queries.
        condition: the condition of the model.
        model: the post-trained model.
        tokenizer: the world's tokenizer.
        kind: benign or adversarial.
        handling: raw, mix_sft or reflect (see `finetune_data.finetune_dialogues`).
        snapshot_steps: numbers of steps after which `on_snapshot` is called, with the model in evaluation mode.
        on_snapshot: called with the number of steps done; it may evaluate the model, not change it.
        out: see `loop.train`.
        precision: number format; None measures it.
        on_progress: called every few steps.

    Raises:
        ConfigError: an unknown kind or handling.
        DataError: the world asks no such query about a seen outcome.
    """
    batches = finetune_batches(
        world,
        condition,
        config.corpus,
        tokenizer,
        config.finetune,
        kind=kind,
        handling=handling,
        sequence_length=config.pretrain.sequence_length,
        seed=config.seed,
    )
    return train(
        model,
        batches,
        config.finetune,
        config.finetune.steps or 60,
        out=out,
        precision=precision,
        on_progress=on_progress,
        snapshot_steps=snapshot_steps,
        on_snapshot=on_snapshot,
    )
