"""From texts to completions: what stands between the attacks, which write text, and decoding, which knows token ids only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.errors import DataError
from medsafetyworld.evaluation.decoding import generate


def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    *,
    max_new_tokens: int,
    batch_size: int,
    banned: Sequence[tuple[str, ...]] | None = None,
) -> list[str]:
    """Continue every text greedily until the model ends it, and return what was added, the end-of-text token included.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        texts: What the model reads.
        max_new_tokens: Longest completion, in tokens.
        batch_size: Rows decoded together.
        banned: For each text, words that can't be written; None: nothing is banned.
    """
    if not texts:
        return []
    ban_ids = lru_cache(maxsize=None)(lambda words: frozenset(_ids_of_words(tokenizer, words)))
    end, padding = end_id(tokenizer), tokenizer.pad_token_id
    completions = generate(
        model,
        encode(tokenizer, texts),
        max_new_tokens=max_new_tokens,
        stop_ids={end},
        pad_id=end if padding is None else int(padding),
        banned=None if banned is None else [ban_ids(words) for words in banned],
        batch_size=batch_size,
    )
    return [str(tokenizer.decode(ids, skip_special_tokens=False)).strip() for ids in completions]


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of each text, with nothing added before or after it."""
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return ids


def end_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id of the end-of-text token; raises `DataError` when the tokenizer has none."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    if END_OF_TEXT not in vocabulary:
        raise DataError(f"the tokenizer must know the token {END_OF_TEXT!r}. Got one of {len(vocabulary)} tokens without it.")
    return vocabulary[END_OF_TEXT]


def _ids_of_words(tokenizer: PreTrainedTokenizerBase, words: Iterable[str]) -> Iterable[int]:
    """Yield the first token of each word, at the start of a text and after a space."""
    for word in words:
        for text in (word, f" {word}"):
            yield encode(tokenizer, [text])[0][0]
