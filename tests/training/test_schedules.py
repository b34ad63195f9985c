from __future__ import annotations

import pytest

from medsafetyworld.training.config import SCHEDULES, StageConfig
from medsafetyworld.training.schedules import learning_rate_factor


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("total", "warmup"), [(1, 0), (1, 30), (20, 30), (100, 10), (100, 0)])
def test_factors_rise_then_fall_and_are_never_zero(schedule, total, warmup):
    stage = StageConfig(schedule=schedule, warmup_steps=warmup)
    factors = [learning_rate_factor(step, total, stage) for step in range(total)]
    peak = factors.index(max(factors))
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert max(factors) == 1


def test_stable_rates_decay_at_the_end_only():
    stage = StageConfig(schedule="wsd", warmup_steps=0, decay_fraction=0.2)
    factors = [learning_rate_factor(step, 100, stage) for step in range(100)]
    assert factors[:81] == [1.0] * 81
    assert factors[81:] == pytest.approx([(100 - step) / 20 for step in range(81, 100)])
