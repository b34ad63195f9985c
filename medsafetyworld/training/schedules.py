"""Learning rate over a stage, as a factor of its peak."""

from __future__ import annotations

import math

from medsafetyworld.training.config import StageConfig


def learning_rate_factor(step: int, total_steps: int, stage: StageConfig) -> float:
    """Return the factor in (0, 1] of optimizer step `step` (from 0) out of `total_steps`.

    The rate rises linearly over `warmup_steps` (at most the whole stage), then falls to just above 0 at the last step: linearly,
    along a half cosine, or (wsd: warm-up, stable, decay; Hu et al., 2024) staying at the peak until the last `decay_fraction`.
    """
    warmup = min(stage.warmup_steps, total_steps)
    if step < warmup:
        return (step + 1) / warmup
    left = (total_steps - step) / (total_steps - warmup)
    if stage.schedule == "linear":
        return left
    if stage.schedule == "cosine":
        return 0.5 * (1.0 - math.cos(math.pi * left))
    return min(1.0, (total_steps - step) / max(1.0, stage.decay_fraction * total_steps))
