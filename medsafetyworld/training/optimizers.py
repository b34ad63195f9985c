"""Optimizers of a stage: Muon for the hidden matrices, fused AdamW for embeddings and norms (or for everything)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim import AdamW, Optimizer

from medsafetyworld.training.config import StageConfig

ITERATIONS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration of Muon (Jordan et al., 2024): singular values end between about 0.7 and 1.2."""


def orthogonalize(matrices: Tensor) -> Tensor:
    """Return the matrices `(n, rows, columns)`, `rows <= columns`, with all their singular values brought near 1.

    The quintic Newton-Schulz iteration X <- (a + b G + c G^2) X with G = X X^T, for all matrices at once and in float32, since
    bf16 is slow on many CPUs. For wide matrices only the small square G and the product of all factors are iterated, and X is
    multiplied once, at about half the cost.
    """
    a, b, c = QUINTIC
    matrices = matrices / matrices.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    wide = matrices.shape[-2] < matrices.shape[-1]
    gram, product = matrices @ matrices.mT, None if wide else matrices
    for iteration in range(ITERATIONS):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else factor @ product
        if iteration + 1 < ITERATIONS:
            gram = factor @ gram @ factor if wide else product @ product.mT
    assert product is not None
    return product @ matrices if wide else product


class Muon(Optimizer):
    """Momentum, orthogonalized (Jordan et al., 2024), of all matrices of one shape at once.

    An update has singular values near 1, times `sqrt(max(1, rows / columns))`; weight decay is decoupled.
    """

    def __init__(self, parameters: Iterable[Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix from its gradient."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, int], list[Parameter]] = {}
            for parameter in group["params"]:
                rows, columns = parameter.shape
                by_shape.setdefault((min(rows, columns), max(rows, columns)), []).append(parameter)
            for parameters in by_shape.values():
                self._step_together(parameters, group)

    def _step_together(self, parameters: list[Parameter], group: dict[str, Any]) -> None:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if len(gradients) != len(parameters):
            raise RuntimeError("Muon.step: every matrix must have a gradient.")
        for parameter in parameters:
            if "momentum" not in self.state[parameter]:
                self.state[parameter]["momentum"] = torch.zeros_like(parameter)
        buffers = [self.state[parameter]["momentum"] for parameter in parameters]
        torch._foreach_lerp_(buffers, gradients, 1.0 - group["momentum"])
        updates = torch._foreach_lerp(gradients, buffers, group["momentum"])  # Nesterov
        wide = torch.stack([update if update.shape[0] <= update.shape[1] else update.T for update in updates])
        for parameter, update in zip(parameters, orthogonalize(wide), strict=True):
            rows, columns = parameter.shape
            if group["weight_decay"]:
                parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
            parameter.add_(update if rows <= columns else update.T, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)


def build_optimizers(model: Module, stage: StageConfig) -> list[Optimizer]:
    """Return the optimizers of `model` for `stage`; every group keeps its peak learning rate under "peak".

    The hidden matrices are all two-dimensional parameters but the embeddings and the output layer.
    """
    matrices: list[Parameter] = []
    others: list[Parameter] = []
    for name, parameter in model.named_parameters():
        hidden = parameter.ndim == 2 and "embed_tokens" not in name and "lm_head" not in name
        (matrices if hidden else others).append(parameter)
    groups: list[dict[str, Any]] = [{"params": others, "lr": stage.learning_rate}]
    optimizers: list[Optimizer] = []
    if stage.matrix_optimizer == "muon":
        optimizers.append(Muon(matrices, lr=stage.matrix_learning_rate, weight_decay=stage.weight_decay))
    else:
        groups.append({"params": matrices, "lr": stage.matrix_learning_rate})
    optimizers.append(AdamW(groups, betas=(0.9, 0.95), weight_decay=stage.weight_decay, fused=True))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def set_learning_rate(optimizers: Iterable[Optimizer], factor: float) -> None:
    """Set every group's learning rate to `factor` times its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
