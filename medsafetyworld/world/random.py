"""Counter-based random numbers: every value is a pure function of a key and a position, the same on every machine.

Only integer arithmetic on 64-bit words is used, so that no change of a library's random streams changes a world. Here whole streams are
drawn at once; `corpus.random` draws at any position with the same keys and the same mixing.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Step of the counter of splitmix64 (Steele, Lea, Flood 2014)."""
_ROUNDS = 12


def key_of(*parts: object) -> np.uint64:
    """Return a 64-bit key that depends on every part and on their order."""
    text = "\x1f".join(str(part) for part in parts)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The splitmix64 finaliser: a bijection of 64-bit words in which every input bit moves every output bit."""
    mixed = values ^ (values >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def bits(key: np.uint64, count: int) -> NDArray[np.uint64]:
    """Return `count` random 64-bit words."""
    return mix(mix(np.arange(1, count + 1, dtype=np.uint64) * GOLDEN) ^ key)


def integers(key: np.uint64, high: int, count: int) -> NDArray[np.int64]:
    """Return `count` random integers in [0, high)."""
    return (bits(key, count) % np.uint64(high)).astype(np.int64)


def permutation(key: np.uint64, count: int) -> NDArray[np.int64]:
    """Return a random order of 0..count-1."""
    return np.argsort(bits(key, count), kind="stable").astype(np.int64)


def scatter(key: np.uint64, indices: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Send `indices`, each in [0, size), through a keyed bijection of [0, size) onto itself.

    Distinct indices give distinct values, so the first k of them are a sample without replacement of which nothing is
    stored. It is a Feistel network on a grid just large enough; values beyond `size` are sent through again.
    """
    rows = max(1, math.isqrt(max(size - 1, 0)) + 1)
    columns = -(-size // rows)
    values = np.array(indices, dtype=np.uint64)
    pending = np.arange(len(values))
    while len(pending):
        values[pending] = _feistel(key, values[pending], np.uint64(rows), np.uint64(columns))
        pending = pending[values[pending] >= np.uint64(size)]
    return values.astype(np.int64)


def _feistel(key: np.uint64, values: NDArray[np.uint64], rows: np.uint64, columns: np.uint64) -> NDArray[np.uint64]:
    row, column = values // columns, values % columns
    with np.errstate(over="ignore"):
        for step in range(_ROUNDS):
            round_key = key ^ (np.uint64(step + 1) * GOLDEN)
            if step % 2:
                column = (column + mix((row + np.uint64(1)) * GOLDEN ^ round_key) % columns) % columns
            else:
                row = (row + mix((column + np.uint64(1)) * GOLDEN ^ round_key) % rows) % rows
    return row * columns + column
