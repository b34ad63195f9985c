"""One configuration schema for a whole run, and its named values. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, get_type_hints

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.errors import ConfigError, require, require_choice
from medsafetyworld.training.config import FinetuneConfig, ModelConfig, PretrainConfig, SFTConfig
from medsafetyworld.world.config import WorldConfig

ATTACK_SETS = ("prompts", "ladder", "all")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationConfig:
    """What is asked of a model."""

    attacks: Literal["prompts", "ladder", "all"] = "ladder"
    """prompts: every attack of the ladder. ladder: also one dose of each fine-tuning attack on raw data. all: also curves over steps
    and data handling."""
    batch_size: int = 256
    """Rows decoded together."""
    max_new_tokens: int = 48
    """Longest completion of a query of up to two hops, in tokens; each further hop adds half as many."""

    def __post_init__(self) -> None:
        require_choice(self.attacks, "EvaluationConfig.attacks", ATTACK_SETS)
        require(self.batch_size >= 1, "EvaluationConfig.batch_size", "an int of at least 1", self.batch_size)
        require(self.max_new_tokens >= 1, "EvaluationConfig.max_new_tokens", "an int of at least 1", self.max_new_tokens)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """Everything that decides a result: world, corpus, model, training stages, evaluation."""

    world: WorldConfig = field(default_factory=WorldConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    sft: SFTConfig = field(default_factory=SFTConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    seed: int = 0
    """Seed of initialisation and batch order. `with_seed` sets it together with the world's and the corpus's."""


def with_seed(config: RunConfig, seed: int) -> RunConfig:
    """Return `config` with one seed for world, corpus and training: a seed draws a world and an initialisation together."""
    return replace(config, world=replace(config.world, seed=seed), corpus=replace(config.corpus, seed=seed), seed=seed)


def to_dict(config: RunConfig) -> dict[str, Any]:
    """Return the resolved configuration as nested plain values, as saved with every result."""
    return asdict(config)


Config = TypeVar("Config")


def from_dict(values: dict[str, Any], kind: type[Config]) -> Config:
    """Return the configuration that `to_dict` turned into plain values (JSON's lists become tuples again).

    Raises:
        ConfigError: an unknown field, or a value that is not allowed.
    """
    hints = get_type_hints(kind)
    unknown = sorted(set(values) - {part.name for part in fields(kind)})  # type: ignore[arg-type]
    if unknown:
        raise ConfigError(f"{kind.__name__} must have known fields only. Got {', '.join(unknown)}.")
    made = {}
    for name, value in values.items():
        if is_dataclass(hints[name]):
            value = from_dict(value, hints[name])
        made[name] = tuple(value) if isinstance(value, list) else value
    return kind(**made)


PRESETS: dict[str, RunConfig] = {
    "smoke": RunConfig(
        world=WorldConfig(compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5),
        corpus=CorpusConfig(documents=600),
        model=ModelConfig(layers=1, width=48, heads=2, feed_forward=96),
        pretrain=PretrainConfig(warmup_steps=5),
        sft=SFTConfig(batch_size=16, steps=20, warmup_steps=2),
        finetune=FinetuneConfig(batch_size=16, steps=6, warmup_steps=1, curve=(3, 6)),
    ),
    "tiny": RunConfig(
        world=WorldConfig(compounds=240, mediators=220, outcomes=150, heldout_fraction=0.32),
        corpus=CorpusConfig(documents=24_000, pair_topic_share=0.85),
        model=ModelConfig(layers=3, width=96, heads=3, feed_forward=192),
        pretrain=PretrainConfig(batch_size=8, matrix_learning_rate=0.02),
        sft=SFTConfig(batch_size=12, steps=750),
        finetune=FinetuneConfig(batch_size=16, steps=40, matrix_learning_rate=0.003, learning_rate=3e-4, curve=(5, 10, 20, 40)),
    ),
    "compact": RunConfig(
        world=WorldConfig(compounds=1_500, mediators=1_200, outcomes=1_000),
        corpus=CorpusConfig(documents=1_300_000),
        model=ModelConfig(layers=8, width=512, heads=8, feed_forward=1536),
        pretrain=PretrainConfig(batch_size=128, sequence_length=256, matrix_learning_rate=0.02, warmup_steps=100),
        sft=SFTConfig(batch_size=128, steps=400),
    ),
    "paper": RunConfig(
        world=WorldConfig(compounds=10_000, mediators=8_500, outcomes=1_500, pair_edges=10_000, heldout_fraction=0.1),
        corpus=CorpusConfig(documents=62_000_000, statements_per_document=1, single_rate=2, pair_rate=7, chain_rate=7),
        model=ModelConfig(layers=30, width=576, heads=9, key_value_heads=3, feed_forward=1536),
        pretrain=PretrainConfig(
            batch_size=128,
            sequence_length=512,
            matrix_optimizer="adamw",
            matrix_learning_rate=5e-3,
            learning_rate=5e-3,
            warmup_steps=1_000,
            schedule="linear",
        ),
        sft=SFTConfig(batch_size=32, steps=1_000, matrix_optimizer="adamw", matrix_learning_rate=1e-3, learning_rate=1e-3),
    ),
    "full": RunConfig(
        world=WorldConfig(compounds=10_000, mediators=8_500, outcomes=1_500, pair_edges=10_000, heldout_fraction=0.1),
        corpus=CorpusConfig(documents=62_000_000, statements_per_document=1, single_rate=2, pair_rate=7, chain_rate=7),
        model=ModelConfig(layers=24, width=2048, heads=32, feed_forward=8192),
        pretrain=PretrainConfig(
            batch_size=512,
            sequence_length=2048,
            matrix_optimizer="adamw",
            matrix_learning_rate=5e-4,
            learning_rate=5e-4,
            warmup_steps=1_000,
            schedule="wsd",
        ),
    ),
}


def preset(name: str) -> RunConfig:
    """Return the preset called `name`; raises `ConfigError` with a suggestion for an unknown one."""
    require_choice(name, "preset", PRESETS)
    return PRESETS[name]
