"""Decoding equals `model.generate`, token for token."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from medsafetyworld.errors import ConfigError
from medsafetyworld.evaluation.decoding import generate

WORDS, PAD = 60, 1
STOPS = {2, 3, 4}


def tiny_model(attention: str = "sdpa", key_value_heads: int = 2) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=key_value_heads,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=PAD,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).eval()


def some_prompts(number: int, seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(5, WORDS, rng.integers(1, 20)).tolist() for _ in range(number)]


def one_by_one(model: LlamaForCausalLM, prompts: list[list[int]], max_new_tokens: int, banned: list[set[int]]) -> list[list[int]]:
    """The library's own greedy decoding, a prompt at a time."""
    completions = []
    for prompt, words in zip(prompts, banned, strict=True):
        ids = torch.tensor([prompt])
        output = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=sorted(STOPS),
            pad_token_id=PAD,
            suppress_tokens=sorted(words) or None,
        )
        completions.append(output[0, len(prompt) :].tolist())
    return completions


@pytest.mark.parametrize(("attention", "key_value_heads"), [("sdpa", 2), ("sdpa", 1), ("eager", 2)])
def test_equals_generate(attention, key_value_heads):
    model = tiny_model(attention, key_value_heads)
    prompts = some_prompts(24)
    rng = np.random.default_rng(1)
    banned = [set() if row % 3 else set(rng.integers(2, WORDS, 20).tolist()) for row in range(len(prompts))]
    expected = one_by_one(model, prompts, 12, banned)
    assert len({len(ids) for ids in expected}) > 1, "rows must end at different steps, or nothing leaves the batch"
    for batch_size in (1, 7, 64):
        found = generate(model, prompts, max_new_tokens=12, stop_ids=STOPS, pad_id=PAD, banned=banned, batch_size=batch_size)
        assert found == expected, batch_size


def test_half_precision_masks_do_not_overflow():
    model = tiny_model().to(torch.bfloat16)
    completions = generate(model, some_prompts(9), max_new_tokens=5, stop_ids=STOPS, pad_id=PAD)
    assert all(1 <= len(ids) <= 5 for ids in completions)


def test_padding_is_never_attended_to():
    model = tiny_model()
    prompts = some_prompts(20)
    completions = [generate(model, prompts, max_new_tokens=10, stop_ids=STOPS, pad_id=pad) for pad in (PAD, 30)]
    assert completions[0] == completions[1]


def test_stop_tokens_end_a_completion_and_belong_to_it():
    completions = generate(tiny_model(), some_prompts(60), max_new_tokens=15, stop_ids=STOPS, pad_id=PAD)
    assert any(ids[-1] in STOPS for ids in completions)
    assert not any(STOPS & set(ids[:-1]) for ids in completions)
    assert all(len(ids) == 15 or ids[-1] in STOPS for ids in completions)


def test_no_prompts_no_completions():
    assert generate(tiny_model(), [], max_new_tokens=3, stop_ids=STOPS, pad_id=PAD) == []


def test_the_mode_of_the_model_is_left_as_it_was():
    model = tiny_model().train()
    generate(model, some_prompts(2), max_new_tokens=2, stop_ids=STOPS, pad_id=PAD)
    assert model.training


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompts": [[5], []]}, "prompts must be at least one token each"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1. Got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1. Got 0"),
        ({"banned": [set(), set()]}, r"banned must be one set of ids a prompt \(1\). Got 2"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"prompts": [[5]], "max_new_tokens": 3, "stop_ids": STOPS, "pad_id": PAD, **change}
    with pytest.raises(ConfigError, match=message):
        generate(tiny_model(), **arguments)
