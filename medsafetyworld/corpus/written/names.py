"""Finding names in many words at once: a trie over the words of the names, walked by all places together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Names in a run of words; M mentions, ascending."""

    start: Integers
    """(M,): number of the first word."""
    length: Integers
    """(M,): number of words."""
    entity: Integers


class NameTrie:
    """Finds the longest name that begins at each word, as `world.mentions.Mentions` does."""

    def __init__(self, names: Sequence[str]) -> None:
        self.words: dict[str, int] = {}
        """Number of every word, in lower case, of which a name is made."""
        children: dict[tuple[int, int], int] = {}
        entities = [-1]
        for entity, name in enumerate(names):
            node = 0
            for word in name.lower().split():
                edge = node, self.words.setdefault(word, len(self.words))
                if edge not in children:
                    children[edge] = len(entities)
                    entities.append(-1)
                node = children[edge]
            entities[node] = entity
        self._entity = np.array(entities, dtype=np.int64)
        keys = np.array([node * len(self.words) + word for node, word in children], dtype=np.int64)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        self._child = np.array(list(children.values()), dtype=np.int64)[self._order]
        self._first = np.full(len(self.words) + 1, -1, dtype=np.int64)
        roots = self._keys < len(self.words)
        self._first[self._keys[roots]] = self._child[roots]

    def find(self, word: Integers, joins: NDArray[np.bool_]) -> Found:
        """Return the names in a run of words.

        Args:
            word: (W,) number of each word, -1 for one of which no name is made.
            joins: (W,) whether a name may go on from this word to the next.
        """
        start = np.flatnonzero(self._first[word] >= 0)
        node = self._first[word[start]]
        length = np.where(self._entity[node] >= 0, 1, 0)
        entity = self._entity[node]
        walking = np.arange(start.size)
        for step in range(1, word.size):
            at = start[walking] + step
            on = joins[at - 1] & (at < word.size)
            walking, at = walking[on], at[on]
            on = word[at] >= 0
            walking, at = walking[on], at[on]
            if not walking.size:
                break
            keys = node[walking] * len(self.words) + word[at]
            place = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
            on = self._keys[place] == keys
            walking, place = walking[on], place[on]
            node[walking] = self._child[place]
            named = self._entity[node[walking]] >= 0
            length[walking[named]] = step + 1
            entity[walking[named]] = self._entity[node[walking[named]]]
        found = length > 0
        return Found(start[found], length[found], entity[found])
