"""Which entities a text names.

A name counts where it stands whole: its words bounded by anything but letters, digits and underscores, in any case, and
separated by whitespace only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a text names an entity: `text[start:end]`."""

    entity: int
    start: int
    end: int


class Mentions:
    """Finds names in text through a dictionary of their words: linear in the text, whatever the number of names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._entities: dict[tuple[str, ...], int] = {}
        lengths: dict[str, set[int]] = {}
        for entity, name in enumerate(names):
            key = tuple(name.lower().split())
            self._entities[key] = entity
            lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in `text`, in order and without overlap; where several names begin, the longest."""
        tokens = [(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(text)]
        found = []
        position = 0
        while position < len(tokens):
            mention, taken = self._match(text, tokens, position)
            if mention is not None:
                found.append(mention)
            position += taken
        return found

    def _match(self, text: str, tokens: list[tuple[str, int, int]], position: int) -> tuple[Mention | None, int]:
        for length in self._lengths.get(tokens[position][0], ()):
            run = tokens[position : position + length]
            entity = self._entities.get(tuple(word for word, _, _ in run))
            apart = (text[left[2] : right[1]] for left, right in pairwise(run))
            if entity is not None and all(gap.isspace() for gap in apart):
                return Mention(entity, run[0][1], run[-1][2]), length
        return None, 1
