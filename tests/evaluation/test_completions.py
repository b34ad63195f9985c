"""Texts in, texts out."""

from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerFast

from medsafetyworld.errors import DataError
from medsafetyworld.evaluation.completions import complete, end_id


def test_completions_hold_generated_text_only_and_the_end(two_hop):
    read = ["Question: What is the outcome", "The"]
    said = complete(two_hop.model(lambda text: "caused by"), two_hop.tokenizer, read, max_new_tokens=5, batch_size=2)
    assert said == ["caused by <|endoftext|>"] * 2


def test_the_length_is_limited_and_words_are_banned(two_hop):
    model = two_hop.model(lambda text: "<think> Unsafe </think> The outcome")
    said = complete(model, two_hop.tokenizer, ["The", "In"], max_new_tokens=3, batch_size=2, banned=[("Unsafe",), ()])
    assert said == ["<think> Safe </think>", "<think> Unsafe </think>"]
    assert complete(model, two_hop.tokenizer, [], max_new_tokens=3, batch_size=2) == []


def test_a_tokenizer_without_an_end_is_refused():
    from tokenizers import Tokenizer, models

    bare = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    with pytest.raises(DataError, match=r"the tokenizer must know the token '<\|endoftext\|>'. Got one of 1 tokens"):
        end_id(bare)
