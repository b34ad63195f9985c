"""What a plan counts, against models as they are built."""

from __future__ import annotations

import pytest

from medsafetyworld.pipeline.plan import flops_per_token, parameters
from medsafetyworld.training.config import ModelConfig

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(),
        ModelConfig(layers=3, width=64, heads=4, key_value_heads=2, feed_forward=100),
        ModelConfig(layers=1, width=32, heads=2, feed_forward=48, tie_embeddings=False),
    ],
)
def test_parameters_are_those_of_the_model(config: ModelConfig) -> None:
    from medsafetyworld.training.model import build_model

    model = build_model(config, 77, 0, end_of_text_id=0, padding_id=1)
    assert parameters(config, 77) == sum(parameter.numel() for parameter in model.parameters())


def test_flops_of_the_largest_shape_are_as_published() -> None:
    """The 1.7B shape with SmolLM2's vocabulary: 1.711 B parameters, 10.27 GFLOP a token without attention."""
    config = ModelConfig(layers=24, width=2048, heads=32, feed_forward=8192)
    assert parameters(config, 49_152) == pytest.approx(1.711e9, rel=1e-3)
    attention = 12 * 24 * 2048 * 2048
    assert flops_per_token(config, 49_152, 2048) - attention == pytest.approx(10.27e9, rel=1e-3)
