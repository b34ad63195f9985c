"""The tokenizer of a world: one token a word, a punctuation mark, or an entity's whole name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from medsafetyworld.corpus.library import TOKEN_PATTERN, library
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from medsafetyworld.world.world import World

PADDING, UNKNOWN = "<|padding|>", "<|unknown|>"
THINK, END_OF_THINK = "<think>", "</think>"
ATTACHED = "##"
"""Prefix of a token that is written without a space before it, such as a full stop."""

_ATTACHED_HERE = r"(?=[.,:;?!])|(?<=\w)(?=[^\w\s.,:;?!])|(?<=[^\w\s])(?=\w)"
"""Where a token begins without a space before it: at closing punctuation, and between a word and any other mark."""


def build_tokenizer(world: World) -> PreTrainedTokenizerFast:
    """Return the word-level tokenizer of a world.

    The vocabulary is the special tokens, the words of every fragment that any condition or dialogue of the world's task can
    write, and the names, each one token although it may hold spaces; so it is the same for all conditions. Decoding restores
    every such text exactly. Ids: special tokens, then words in alphabetical order, then entities in the order of their ids.
    Tags of reflections are ordinary tokens, which `skip_special_tokens` keeps. Other words become `<|unknown|>`.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = [END_OF_TEXT, PADDING, UNKNOWN]
    tags = [THINK, END_OF_THINK]
    names = [str(name) for name in world.names]
    words = vocabulary_words(library(world.config.task, tuple(world.hazard_names), world.hops).literal_texts())
    known = [*special, *tags, *(word for word in words if word not in {*special, *tags}), *names]
    tokenizer = Tokenizer(models.WordLevel({token: index for index, token in enumerate(known)}, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Replace(Regex(_ATTACHED_HERE), f" {ATTACHED}")
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(prefix=ATTACHED, cleanup=False)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in tags])
    tokenizer.add_tokens([AddedToken(name, single_word=True, normalized=False) for name in names])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        pad_token=PADDING,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )


def vocabulary_words(texts: tuple[str, ...]) -> list[str]:
    """Return the distinct tokens of some texts in alphabetical order, those without a space before them marked as attached."""
    found: set[str] = set()
    for text in texts:
        for match in TOKEN_PATTERN.finditer(text):
            attached = re.compile(_ATTACHED_HERE).match(text, match.start()) is not None
            found.add(f"{ATTACHED}{match.group()}" if attached else match.group())
    return sorted(found)


def token_id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    """Return the id of a token; raises `DataError` where the tokenizer does not have it."""
    found = tokenizer.get_vocab().get(token)
    if found is None:
        raise DataError(f"token must be one of the tokenizer's {len(tokenizer)}. Got {token!r}.")
    return int(found)
