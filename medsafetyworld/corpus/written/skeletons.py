"""Skeletons: sentences in which names are replaced by what they name, numbered as they are met, each held against the templates once.

Shapes: T tokens (a name is one), S sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.random import bits, make_key
from medsafetyworld.corpus.written.sentences import NAME, Pattern

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

TAILS = ("", ".", "!", "?", ",", ";", ":")
"""What may follow a word."""
NAME_TOKEN = 1 << 40
"""Tokens from here on are names: this plus 8 x kind + tail. Those below are the codes of words."""
_MIXER = np.uint64(0xBF58476D1CE4E5B9)
_POSITIONS = bits(make_key("skeleton"), np.arange(256)) | np.uint64(1)
"""A multiplier for each place in a sentence. Sentences that share a hash are told apart by their tokens."""


class Skeletons:
    """The skeletons met so far.

    Args:
        read: returns the meanings that the templates give to a skeleton.
        words: the words by their codes; it may grow.
    """

    def __init__(self, read: Callable[[str], tuple[Pattern, ...]], words: Sequence[str]) -> None:
        self._read, self._words = read, words
        self._numbers: dict[int, int] = {}
        self._tokens: list[Integers] = []
        self._meanings: dict[Pattern, int] = {}
        self.patterns: list[tuple[int, ...]] = []
        """Numbers of the meanings of each skeleton."""

    @property
    def meanings(self) -> list[Pattern]:
        """All meanings, by number."""
        return list(self._meanings)

    def number(self, token: Integers, first: Integers, sentence: Integers) -> tuple[Integers, Flags]:
        """(S,) twice: the number of each sentence's skeleton, and whether its tokens are the skeleton's indeed.

        Args:
            token: (T,).
            first: (S,) first token of each sentence.
            sentence: (T,) number of each token's sentence.
        """
        if not first.size:
            return first, np.ones(0, dtype=np.bool_)
        within = np.arange(token.size) - first[sentence]
        mixed = token.astype(np.uint64) * _MIXER
        mixed ^= mixed >> np.uint64(29)
        mixed *= _POSITIONS[within % _POSITIONS.size]
        hashed = np.add.reduceat(mixed, first)
        distinct, example, which = np.unique(hashed, return_index=True, return_inverse=True)
        bounds = np.append(first, token.size)
        numbers = np.array(
            [self._number(key, token[bounds[at] : bounds[at + 1]]) for key, at in zip(distinct.tolist(), example.tolist(), strict=True)]
        )
        known = [self._tokens[number] for number in numbers.tolist()]
        sizes = np.array([tokens.size for tokens in known])
        starts = np.cumsum(sizes) - sizes
        same = np.diff(bounds) == sizes[which]
        at = starts[which][sentence] + np.minimum(within, sizes[which][sentence] - 1)
        equal = np.concatenate(known)[at] == token
        return numbers[which], same & np.logical_and.reduceat(equal, first)

    def _number(self, key: int, tokens: Integers) -> int:
        """Return the number of the skeleton with this hash; `tokens` are its own if it is new."""
        known = self._numbers.setdefault(key, len(self._tokens))
        if known == len(self._tokens):
            self._tokens.append(tokens.copy())
            found = self._read(self._spelled(tokens))
            self.patterns.append(tuple(self._meanings.setdefault(pattern, len(self._meanings)) for pattern in found))
        return known

    def _spelled(self, tokens: Integers) -> str:
        """Return a skeleton as the reader writes it."""
        return " ".join(
            self._words[token] if token < NAME_TOKEN else chr(NAME + (token - NAME_TOKEN) // 8) + TAILS[token % 8]
            for token in tokens.tolist()
        )
