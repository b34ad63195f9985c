"""Greedy decoding of many prompts at once, token for token what `model.generate` gives one prompt at a time.

Rows are sorted by length, so that little is padded; finished rows leave the batch and its key-value cache, so that a batch
costs what its unfinished rows cost; and the cache is written in place, where the library's own grows by copying.

    ids = generate(model, [[5, 17, 9], [5, 4]], max_new_tokens=48, stop_ids={0}, pad_id=1)

Shapes: B rows, S prompt positions, K cached positions, V words of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from medsafetyworld.errors import require, require_choice

KEPT_SHARE = 0.8
"""The batch is compacted once its unfinished share falls to this. At `tiny` on one core anything from 0.5 to 0.9 costs the same;
copying the cache for every finished row (1), or for none (0), costs some 25 % more."""


def generate(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop_ids: AbstractSet[int],
    pad_id: int,
    banned: Sequence[AbstractSet[int]] | None = None,
    batch_size: int = 512,
) -> list[list[int]]:
    """Continue every prompt greedily.

    Args:
        model: A decoder of `transformers` with attention "sdpa" or "eager".
        prompts: Token ids of each prompt, at least one.
        max_new_tokens: Longest completion, in tokens.
        stop_ids: A completion ends with the first of these that it writes; that token is part of it, as in `model.generate`.
        pad_id: Any valid id; padded positions are never attended to.
        banned: For each prompt, ids that can't be written; None: nothing is banned.
        batch_size: Rows decoded together.

    Returns:
        The new token ids of each prompt, in the order of `prompts`.

    Raises:
        ConfigError: A prompt is empty, a count is below 1, or the model's attention takes no mask of this kind.
    """
    bans: Sequence[AbstractSet[int]] = [frozenset()] * len(prompts) if banned is None else banned
    require(max_new_tokens >= 1, "max_new_tokens", "at least 1", max_new_tokens)
    require(batch_size >= 1, "batch_size", "at least 1", batch_size)
    require(all(len(prompt) > 0 for prompt in prompts), "prompts", "at least one token each", "an empty one")
    require(len(bans) == len(prompts), "banned", f"one set of ids a prompt ({len(prompts)})", len(bans))
    require_choice(str(model.config._attn_implementation), "attention implementation", ("sdpa", "eager"))
    completions: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    with torch.inference_mode(), evaluating(model):
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = _Batch(model, [prompts[r] for r in rows], [bans[r] for r in rows], max_new_tokens, stop_ids, pad_id)
            for row, ids in zip(rows, batch.run(), strict=True):
                completions[row] = ids
    return completions


@contextmanager
def evaluating(model: PreTrainedModel) -> Iterator[None]:
    """Switch dropout off for a while, and leave the model in the mode in which it came."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


class _Batch:
    """One batch: left-padded prompts, their cache, and which rows are still being written."""

    def __init__(
        self,
        model: PreTrainedModel,
        prompts: Sequence[Sequence[int]],
        banned: Sequence[AbstractSet[int]],
        max_new_tokens: int,
        stop_ids: AbstractSet[int],
        pad_id: int,
    ) -> None:
        self.model, self.max_new_tokens, self.stop_ids = model, max_new_tokens, stop_ids
        self.banned = banned
        self.device, self.dtype = model.device, model.dtype
        longest = max(map(len, prompts))
        self.prompt_ids = torch.tensor([[pad_id] * (longest - len(p)) + list(p) for p in prompts], device=self.device)  # (B, S)
        self.padding = torch.tensor([longest - len(p) for p in prompts], device=self.device)  # (B,)
        self.capacity = longest + max_new_tokens
        self.cache = Cache(layers=[_InPlaceLayer(self.capacity) for _ in range(model.config.num_hidden_layers)])
        self.rows = list(range(len(prompts)))
        self.completions: list[list[int]] = [[] for _ in prompts]

    def run(self) -> list[list[int]]:
        """Return the new ids of each prompt of the batch."""
        length = self.prompt_ids.shape[1]
        column = torch.arange(self.capacity, device=self.device)
        hidden = column < self.padding[:, None]  # (B, K): padding is seen by no token but itself
        causal = column[:length, None] >= column[None, :length]
        itself = torch.eye(length, dtype=torch.bool, device=self.device)
        mask = self._additive(~((causal & ~hidden[:, None, :length]) | itself))  # (B, S, S)
        positions = (column[:length] - self.padding[:, None]).clamp(min=0)
        logits = self._forward(self.prompt_ids, positions, mask[:, None])
        mask = self._additive(hidden)  # (B, K), one row a query token from now on
        bans = self._ban_pairs()
        for step in range(self.max_new_tokens):
            if bans is not None:
                logits[bans] = -torch.inf
            tokens = logits.argmax(-1)  # (B,)
            alive = self._record(tokens.tolist())
            if step + 1 == self.max_new_tokens or not any(alive):
                return self.completions
            if sum(alive) <= KEPT_SHARE * len(self.rows):
                kept = torch.tensor([i for i, still in enumerate(alive) if still], device=self.device)
                self.rows = [row for row, still in zip(self.rows, alive, strict=True) if still]
                self.cache.batch_select_indices(kept)
                self.padding, tokens, mask = self.padding[kept], tokens[kept], mask[kept]
                bans = self._ban_pairs()
            positions = (length + step - self.padding)[:, None]
            logits = self._forward(tokens[:, None], positions, mask[:, None, None, : length + step + 1])
        return self.completions

    def _forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (B, V) of the last position and append the others' keys and values to the cache."""
        output = self.model(input_ids=ids, position_ids=positions, attention_mask=mask, cache=self.cache, use_cache=True, logits_to_keep=1)
        logits: Tensor = output.logits[:, -1]
        return logits

    def _record(self, tokens: list[int]) -> list[bool]:
        """Append a token to every unfinished row, and say which rows go on."""
        alive = []
        for row, token in zip(self.rows, tokens, strict=True):
            completion = self.completions[row]
            finished = bool(completion) and completion[-1] in self.stop_ids
            if not finished:
                completion.append(token)
                finished = token in self.stop_ids
            alive.append(not finished)
        return alive

    def _additive(self, hidden: Tensor) -> Tensor:
        """Turn a mask of hidden positions into one that is added to attention scores, which every attention takes."""
        return torch.zeros(hidden.shape, dtype=self.dtype, device=self.device).masked_fill_(hidden, torch.finfo(self.dtype).min)

    def _ban_pairs(self) -> tuple[Tensor, Tensor] | None:
        """Return the (row, word) pairs of the logits that can't be written."""
        pairs = [(i, word) for i, row in enumerate(self.rows) for word in sorted(self.banned[row])]
        if not pairs:
            return None
        rows, words = torch.tensor(pairs, device=self.device).unbind(1)
        return rows, words


class _InPlaceLayer(DynamicLayer):
    """A layer's keys and values (B, heads, K, width) inside buffers of fixed capacity; `keys` and `values` are views of them."""

    def __init__(self, capacity: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.capacity = capacity
        self._buffers: list[Tensor] = []

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write the new positions and return all."""
        start = self.get_seq_length()
        if start == 0:
            self.lazy_initialization(key_states, value_states)
            self._allocate(key_states, value_states)
        return self._write(start, key_states, value_states)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only these rows."""
        keys, values = (buffer[indices, :, : self.get_seq_length()] for buffer in self._buffers)
        self._allocate(keys, values)
        self._write(0, keys, values)

    def _allocate(self, *states: Tensor) -> None:
        self._buffers = [state.new_empty(*state.shape[:2], self.capacity, state.shape[3]) for state in states]

    def _write(self, start: int, *states: Tensor) -> tuple[Tensor, Tensor]:
        stop = start + states[0].shape[2]
        for buffer, state in zip(self._buffers, states, strict=True):
            buffer[:, :, start:stop] = state
        keys, values = (buffer[:, :, :stop] for buffer in self._buffers)
        self.keys, self.values = keys, values
        return keys, values
