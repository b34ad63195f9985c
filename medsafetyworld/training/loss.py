"""The loss of packed rows: next tokens, computed only where one is to be predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear_cross_entropy

from medsafetyworld.training.packing import IGNORED, Rows

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows on a device, with the positions at which a token is predicted."""

    input_ids: Tensor
    """int64 (rows, sequence_length)."""
    position_ids: Tensor
    """int64 (rows, sequence_length)."""
    predicted_from: Tensor
    """int64 (predictions,): flat positions whose next token is predicted."""
    targets: Tensor
    """int64 (predictions,): those next tokens."""


def to_batch(rows: Rows, device: str | torch.device) -> Batch:
    """Move rows to a device; what needs searching is searched before, on the CPU."""
    next_labels = np.full_like(rows.labels, IGNORED)
    next_labels[:, :-1] = rows.labels[:, 1:]
    predicted_from = np.flatnonzero(next_labels.ravel() != IGNORED)
    arrays = (rows.input_ids, rows.position_ids, predicted_from, next_labels.ravel()[predicted_from])
    return Batch(*(torch.from_numpy(array.astype(np.int64)).to(device) for array in arrays))


def next_token_loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Return the mean cross-entropy, in nats a predicted token, as a scalar tensor.

    Attention is kept inside documents by `transformers`, which reads their borders off the restarting positions, but only where
    it keeps no cache. Output layer and cross-entropy run on the predicted positions only, fused where torch has it fused.
    """
    hidden = model.model(input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False).last_hidden_state
    needed = hidden.flatten(0, 1).index_select(0, batch.predicted_from)
    return linear_cross_entropy(needed, model.lm_head.weight, batch.targets)
