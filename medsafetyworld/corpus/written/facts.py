"""Finding the fact that some entities make up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.random import bits, make_key
from medsafetyworld.corpus.statements import StatementTable

Integers = NDArray[np.int64]


class FactIndex:
    """The facts of each statement type by their entities, in whatever order these are named."""

    def __init__(self, table: StatementTable) -> None:
        relations: dict[str, _Index] = {}
        self._by_type = []
        for code, (relation, _) in enumerate(table.types):
            if relation not in relations:
                relations[relation] = _Index(table.facts[code])
            self._by_type.append(relations[relation])

    def find(self, kind: int, entities: NDArray[np.int32]) -> Integers:
        """Return the row of the fact of type `kind` that is made of each row's entities (S, k), -1 where there is none."""
        return self._by_type[kind].find(entities)


class _Index:
    def __init__(self, facts: NDArray[np.int32]) -> None:
        self.size = int((facts[:1] >= 0).sum())
        self.sorted = np.sort(facts, axis=1)[:, facts.shape[1] - self.size :]
        for salt in range(8):
            self._key = make_key("facts", salt)
            hashed = self._hash(self.sorted)
            self._order = np.argsort(hashed, kind="stable")
            self._hashes = hashed[self._order]
            if not (self._hashes[1:] == self._hashes[:-1]).any():
                return
        raise ValueError("facts of a relation must be distinct")

    def find(self, entities: NDArray[np.int32]) -> Integers:
        if entities.shape[1] != self.size or not self._order.size:
            return np.full(len(entities), -1, dtype=np.int64)
        entities = np.sort(entities, axis=1)
        place = np.minimum(np.searchsorted(self._hashes, self._hash(entities)), self._order.size - 1)
        rows = self._order[place]
        return np.where((self.sorted[rows] == entities).all(axis=1), rows, -1)

    def _hash(self, entities: NDArray[np.int32]) -> NDArray[np.uint64]:
        mixed = np.broadcast_to(self._key, len(entities))
        for column in entities.T:
            mixed = bits(mixed, column)
        return mixed
