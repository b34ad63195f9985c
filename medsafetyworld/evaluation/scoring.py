"""The model's scores of the next token after many texts, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from medsafetyworld.evaluation.decoding import evaluating


def next_token_logits(model: PreTrainedModel, prefixes: Sequence[Sequence[int]], *, batch_size: int) -> Iterator[tuple[list[int], Tensor]]:
    """Yield (indices into `prefixes`, logits (B, V) in fp32 of the token that follows each), the shortest prefixes first.

    Rows are padded on the right: causal attention never sees what comes after a row's last token, so no mask is needed.
    """
    order = sorted(range(len(prefixes)), key=lambda row: len(prefixes[row]))
    with torch.inference_mode(), evaluating(model):
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            longest = len(prefixes[rows[-1]])
            ids = torch.tensor([list(prefixes[r]) + [0] * (longest - len(prefixes[r])) for r in rows], device=model.device)
            last = torch.tensor([len(prefixes[r]) - 1 for r in rows], device=model.device)
            hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state  # (B, S, D)
            logits: Tensor = model.get_output_embeddings()(hidden[torch.arange(len(rows), device=model.device), last])
            yield rows, logits.float()
