"""Model shapes and training stages, as frozen values. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medsafetyworld.errors import require, require_choice

SCHEDULES = ("linear", "cosine", "wsd")
DATA_HANDLINGS = ("raw", "mix_sft", "reflect")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Shape of a Llama-style decoder."""

    layers: int = 2
    width: int = 96
    heads: int = 3
    key_value_heads: int | None = None
    """None: as many as heads."""
    feed_forward: int = 384
    tie_embeddings: bool = True
    rope_theta: float = 10_000.0

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "feed_forward"):
            value = getattr(self, name)
            require(isinstance(value, int) and value >= 1, f"ModelConfig.{name}", "an int of at least 1", value)
        require(
            self.width % self.heads == 0 and (self.width // self.heads) % 2 == 0,
            "ModelConfig.width",
            f"an even multiple of heads ({self.heads})",
            self.width,
        )
        kv = self.key_value_heads
        require(
            kv is None or (kv >= 1 and self.heads % kv == 0),
            "ModelConfig.key_value_heads",
            f"None or a divisor of heads ({self.heads})",
            kv,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StageConfig:
    """One training stage: how many rows a step, how many steps, and how they move the weights."""

    batch_size: int = 16
    """Rows a step."""
    steps: int | None = None
    """Optimizer steps. None: one pass over the stage's rows."""
    matrix_optimizer: Literal["muon", "adamw"] = "muon"
    """Optimizer of the hidden matrices; embeddings and norms always use AdamW."""
    matrix_learning_rate: float = 0.03
    """Peak learning rate of the matrices."""
    learning_rate: float = 3e-3
    """Peak learning rate of AdamW's parameters."""
    weight_decay: float = 0.0
    schedule: Literal["linear", "cosine", "wsd"] = "cosine"
    """Learning rate after the warm-up: linear or cosine to 0, or stable and then a linear decay (wsd)."""
    warmup_steps: int = 30
    decay_fraction: float = 0.2
    """wsd: share of the steps in which the rate decays."""
    gradient_clip: float = 1.0
    """Largest gradient norm."""

    def __post_init__(self) -> None:
        require(
            isinstance(self.batch_size, int) and self.batch_size >= 1,
            "StageConfig.batch_size",
            "an int of at least 1",
            self.batch_size,
        )
        require(
            self.steps is None or (isinstance(self.steps, int) and self.steps >= 1),
            "StageConfig.steps",
            "None or an int of at least 1",
            self.steps,
        )
        require_choice(self.matrix_optimizer, "StageConfig.matrix_optimizer", ("muon", "adamw"))
        require_choice(self.schedule, "StageConfig.schedule", SCHEDULES)
        for name in ("matrix_learning_rate", "learning_rate", "gradient_clip"):
            value = getattr(self, name)
            require(value > 0, f"StageConfig.{name}", "a float above 0", value)
        require(self.weight_decay >= 0, "StageConfig.weight_decay", "a float of at least 0", self.weight_decay)
        require(self.warmup_steps >= 0, "StageConfig.warmup_steps", "an int of at least 0", self.warmup_steps)
        require(0 < self.decay_fraction <= 1, "StageConfig.decay_fraction", "a float in (0, 1]", self.decay_fraction)


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainConfig(StageConfig):
    """Pretraining on a packed corpus."""

    sequence_length: int = 64
    """Tokens a row."""
    attend_across_documents: bool = False
    """True: tokens also attend to the row's earlier documents."""

    def __post_init__(self) -> None:
        StageConfig.__post_init__(self)
        require(self.sequence_length >= 16, "PretrainConfig.sequence_length", "an int of at least 16", self.sequence_length)


@dataclass(frozen=True, kw_only=True, slots=True)
class SFTConfig(StageConfig):
    """Supervised fine-tuning on queries about `seen` outcomes, with replay of pretraining rows."""

    batch_size: int = 48
    steps: int | None = 250
    matrix_learning_rate: float = 0.02
    learning_rate: float = 1e-3
    replay_fraction: float = 0.5
    """Share of a batch's rows that are replayed pretraining rows."""

    def __post_init__(self) -> None:
        StageConfig.__post_init__(self)
        require(0 <= self.replay_fraction < 1, "SFTConfig.replay_fraction", "a float in [0, 1)", self.replay_fraction)


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneConfig(StageConfig):
    """A fine-tuning attack on a post-trained model."""

    batch_size: int = 32
    steps: int | None = 60
    """The dose: optimizer steps."""
    matrix_learning_rate: float = 0.01
    learning_rate: float = 1e-3
    warmup_steps: int = 5
    curve: tuple[int, ...] = (10, 20, 40, 60)
    """Steps after which a curve is evaluated (`--attacks all`)."""
    mix_fraction: float = 0.2
    """mix_sft: share of a batch's rows that are rows of the original post-training data."""

    def __post_init__(self) -> None:
        StageConfig.__post_init__(self)
        require(0 < self.mix_fraction < 1, "FinetuneConfig.mix_fraction", "a float in (0, 1)", self.mix_fraction)
        require(
            all(isinstance(s, int) and s >= 1 for s in self.curve) and list(self.curve) == sorted(set(self.curve)),
            "FinetuneConfig.curve",
            "rising step numbers of at least 1",
            self.curve,
        )
