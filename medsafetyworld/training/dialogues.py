"""Dialogues (a prompt and its response) as tokens, drawn evenly over categories and queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.errors import DataError
from medsafetyworld.training.packing import IGNORED, Rows, pack
from medsafetyworld.training.tokenizer import PADDING, token_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One prompt with one response, as text."""

    category: str
    query_id: int
    prompt: str
    response: str


class DialogueSet:
    """Dialogues as tokens, by category and query.

    Responses end with the end-of-text token; prompts are seen and not predicted.

    Raises:
        DataError: there is no dialogue.
    """

    def __init__(self, dialogues: Sequence[Dialogue], tokenizer: PreTrainedTokenizerFast, sequence_length: int) -> None:
        if not dialogues:
            raise DataError("dialogues must be at least 1; the world asks no query of the kind about a seen outcome. Got 0.")
        ordered = sorted(dialogues, key=lambda dialogue: (dialogue.category, dialogue.query_id))
        prompts = _encode(tokenizer, [dialogue.prompt for dialogue in ordered])
        responses = _encode(tokenizer, [_ended(dialogue.response) for dialogue in ordered])
        lengths = np.array([len(prompt) + len(response) for prompt, response in zip(prompts, responses, strict=True)])
        self.offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.ids = np.array([token for pair in zip(prompts, responses, strict=True) for part in pair for token in part], dtype=np.int32)
        self.labels = self.ids.copy()
        for start, prompt in zip(self.offsets[:-1].tolist(), prompts, strict=True):
            self.labels[start : start + len(prompt)] = IGNORED
        self.sequence_length = max(sequence_length, int(lengths.max()))
        """Tokens a row: as many as asked for, or as the longest dialogue has."""
        self.padding_id = token_id(tokenizer, PADDING)
        keys = [(dialogue.category, dialogue.query_id) for dialogue in ordered]
        first = [index for index, key in enumerate(keys) if index == 0 or key != keys[index - 1]]
        self.query_starts = np.array([*first, len(keys)], dtype=np.int64)
        """Dialogues of the n-th query are `query_starts[n]` to `query_starts[n + 1]`."""
        of_query = [keys[index][0] for index in first]
        self.categories = tuple(dict.fromkeys(of_query))
        self.queries = tuple(np.flatnonzero([name == category for name in of_query]) for category in self.categories)
        """The queries of each category."""

    def draw(self, generator: np.random.Generator, count: int, turn: int) -> NDArray[np.int64]:
        """Return the numbers of `count` dialogues: categories in equal shares, queries and then wordings uniformly.

        `turn` (a step) says which categories get one more where `count` cannot be shared out.
        """
        category = (np.arange(count) + turn * count) % len(self.categories)
        chance = generator.random((2, count))
        sizes = np.array([len(queries) for queries in self.queries])
        starts = np.cumsum(sizes) - sizes
        query = np.concatenate(self.queries)[starts[category] + (chance[0] * sizes[category]).astype(np.int64)]
        first, stop = self.query_starts[query], self.query_starts[query + 1]
        return np.asarray(first + (chance[1] * (stop - first)).astype(np.int64), dtype=np.int64)

    def rows(self, chosen: NDArray[np.int64]) -> Rows:
        """Return these dialogues packed: several share a row, without seeing each other."""
        lengths = (self.offsets[1:] - self.offsets[:-1])[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        source = np.repeat(self.offsets[chosen] - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
        return pack(self.ids[source], offsets, self.sequence_length, padding_id=self.padding_id, labels=self.labels[source])


def _ended(response: str) -> str:
    return response if response.endswith(END_OF_TEXT) else f"{response} {END_OF_TEXT}"


def _encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[list[int]]:
    encoded: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return encoded
