from __future__ import annotations

import pytest
import torch

from medsafetyworld.training.config import ModelConfig, StageConfig
from medsafetyworld.training.model import build_model
from medsafetyworld.training.optimizers import ITERATIONS, QUINTIC, Muon, build_optimizers, orthogonalize, set_learning_rate


def reference(matrix: torch.Tensor) -> torch.Tensor:
    """The iteration as it is published, one matrix at a time, in float64."""
    a, b, c = QUINTIC
    matrix = matrix.double() / matrix.double().norm()
    for _ in range(ITERATIONS):
        gram = matrix @ matrix.T
        matrix = a * matrix + (b * gram + c * gram @ gram) @ matrix
    return matrix


@pytest.mark.parametrize("shape", [(24, 24), (16, 48), (1, 5)])
def test_orthogonalize_is_the_published_iteration(shape):
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    for found, matrix in zip(orthogonalize(matrices), matrices, strict=True):
        torch.testing.assert_close(found.double(), reference(matrix), atol=1e-4, rtol=1e-4)


def test_singular_values_end_near_one():
    matrices = torch.randn(4, 32, 128, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrices))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_a_zero_gradient_moves_nothing():
    assert torch.equal(orthogonalize(torch.zeros(2, 4, 4)), torch.zeros(2, 4, 4))


def test_muon_equals_torch_muon_up_to_its_bfloat16():
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in ((12, 12), (12, 12), (12, 30), (30, 12))]
    ours = [torch.nn.Parameter(tensor.clone()) for tensor in start]
    theirs = [torch.nn.Parameter(tensor.clone()) for tensor in start]
    muon = Muon(ours, lr=0.1, weight_decay=0.1)
    other = torch.optim.Muon(theirs, lr=0.1, weight_decay=0.1, momentum=0.95, adjust_lr_fn="original")
    for _ in range(3):
        for one, two in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            two.grad = one.grad.clone()
        muon.step()
        other.step()
    for one, two in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, two, atol=0.02, rtol=0.02)


def test_hidden_matrices_go_to_muon_and_the_rest_to_adamw():
    model = build_model(ModelConfig(layers=1, width=16, heads=2, feed_forward=24), 30, 0, end_of_text_id=0, padding_id=1)
    muon, adamw = build_optimizers(model, StageConfig())
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    matrices = {names[id(parameter)] for parameter in muon.param_groups[0]["params"]}
    others = {names[id(parameter)] for parameter in adamw.param_groups[0]["params"]}
    assert matrices == {name for name in names.values() if "_proj" in name}
    assert matrices | others == set(names.values())
    (only,) = build_optimizers(model, StageConfig(matrix_optimizer="adamw"))
    assert sum(len(group["params"]) for group in only.param_groups) == len(names)


def test_learning_rates_are_shares_of_their_peaks():
    model = build_model(ModelConfig(layers=1, width=16, heads=2, feed_forward=24), 30, 0, end_of_text_id=0, padding_id=1)
    optimizers = build_optimizers(model, StageConfig(matrix_learning_rate=0.5, learning_rate=0.25))
    set_learning_rate(optimizers, 0.5)
    set_learning_rate(optimizers, 0.1)
    assert [group["lr"] for optimizer in optimizers for group in optimizer.param_groups] == [0.05, 0.025]
