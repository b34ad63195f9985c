"""Counter-based random numbers: a value is a pure function of a key and a counter, so any part of a corpus can be computed alone.

Keys and mixing are those of `world.random`; nothing keeps state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medsafetyworld.world.random import GOLDEN, key_of, mix

Counters = NDArray[np.uint64]

_ROUNDS = 6


def make_key(*parts: object) -> Counters:
    """Return the 64-bit key of `parts` as an array of shape (1,), which broadcasts against counters."""
    return np.array([key_of(*parts)])


def bits(key: Counters, counter: ArrayLike) -> Counters:
    """Return 64 random bits for each counter; `key` is (1,) or as long as the counters."""
    return mix(key + (np.atleast_1d(np.asarray(counter)).astype(np.uint64) + np.uint64(1)) * GOLDEN)


def uniform(key: Counters, counter: ArrayLike) -> NDArray[np.float64]:
    """Return a float in [0, 1) for each counter."""
    return (bits(key, counter) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(key: Counters, counter: ArrayLike, bound: ArrayLike) -> NDArray[np.int64]:
    """Return an integer in [0, bound) for each counter; bounds are below 2**32 and may differ by element."""
    high = bits(key, counter) >> np.uint64(32)
    return ((high * np.asarray(bound).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)


def permute(key: Counters, position: ArrayLike, size: int) -> NDArray[np.int64]:
    """Send each position in [0, size) to its place in the permutation that `key` names (a Feistel network with cycle walking)."""
    return _walk(key, position, size, range(_ROUNDS))


def unpermute(key: Counters, place: ArrayLike, size: int) -> NDArray[np.int64]:
    """Invert `permute`."""
    return _walk(key, place, size, range(_ROUNDS - 1, -1, -1))


def _walk(key: Counters, values: ArrayLike, size: int, rounds: range) -> NDArray[np.int64]:
    """Apply the network again to what leaves [0, size): it permutes the next power of two, so every walk comes back."""
    current = np.atleast_1d(np.asarray(values)).astype(np.uint64)
    keys = np.broadcast_to(key, current.shape)
    current = _network(keys, current, size, rounds)
    outside = np.flatnonzero(current >= np.uint64(size))
    while outside.size:
        current[outside] = _network(keys[outside], current[outside], size, rounds)
        outside = outside[current[outside] >= np.uint64(size)]
    return current.astype(np.int64)


def _network(keys: Counters, values: Counters, size: int, rounds: range) -> Counters:
    width = max(2, (size - 1).bit_length())
    low_width = width // 2
    low_mask, shift = np.uint64((1 << low_width) - 1), np.uint64(low_width)
    high_mask = np.uint64((1 << (width - low_width)) - 1)
    high, low = values >> shift, values & low_mask
    for number in rounds:
        round_keys = keys ^ np.uint64((number + 1) * 0x2545F4914F6CDD1D % 2**64)
        if number % 2:
            low = low ^ (bits(round_keys, high) & low_mask)
        else:
            high = high ^ (bits(round_keys, low) & high_mask)
    return (high << shift) | low
