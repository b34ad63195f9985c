"""The words of many texts as integers, exactly, without a Python object a word.

A word is a run of bytes between spaces. Its bytes are loaded eight at a time as integers, hashed, and looked up in a table of the words met
so far; equality is checked on the bytes, so a hash never decides. New words are looked at once each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
LONGEST = 31
"""Bytes; a longer word has the code `TOO_LONG`."""
TOO_LONG = 0
_LOADS = LONGEST // 8 + 1
_MIXERS = [np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)]


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of a run of texts; W words."""

    code: Integers
    """(W,): code in the vocabulary."""
    row: Integers
    """(W,): number of the text."""
    start: Integers
    """(W,): first byte in the buffer."""
    end: Integers
    """(W,): one past the last byte."""


class Vocabulary:
    """Words met so far, as codes 1, 2, ...; `describe` is told each new one, in order, and says nothing."""

    def __init__(self, describe: Callable[[str], None]) -> None:
        self._describe = describe
        describe("")  # the code TOO_LONG
        self._keys = np.zeros((1 << 10, _LOADS), dtype=np.uint64)
        self._size = 1
        self._table = np.full(1 << 13, -1, dtype=np.int32)

    def __len__(self) -> int:
        return self._size

    def words(self, buffer: NDArray[np.uint8], offsets: Integers) -> Words:
        """Return the words of texts; text i is `buffer[offsets[i]:offsets[i + 1]]` in UTF-8."""
        inside = buffer != 32
        before = np.empty_like(inside)
        before[1:] = inside[:-1]
        before[offsets[:-1][offsets[:-1] < buffer.size]] = False
        start = np.flatnonzero(inside & ~before)
        after = np.empty_like(inside)
        after[:-1] = inside[1:]
        after[offsets[1:][offsets[1:] > 0] - 1] = False
        end = np.flatnonzero(inside & ~after) + 1
        row = np.repeat(np.arange(offsets.size - 1), np.diff(np.searchsorted(start, offsets)))
        return Words(self._codes(buffer, start, end - start), row, start, end)

    def _codes(self, buffer: NDArray[np.uint8], start: Integers, length: Integers) -> Integers:
        padded = np.zeros(buffer.size + 8 * _LOADS, dtype=np.uint8)
        padded[: buffer.size] = buffer
        loads = np.ndarray((padded.size - 7,), dtype="<u8", buffer=padded.data, strides=(1,))
        keys = np.zeros((start.size, _LOADS), dtype=np.uint64)
        for number in range(_LOADS):
            some = np.flatnonzero(length > 8 * number) if number else np.arange(start.size)
            spare = np.maximum(8 * (number + 1) - length[some], 0)
            keys[some, number] = loads[start[some] + 8 * number] & (~np.uint64(0) >> (spare * 8).astype(np.uint64))
        # The length, in the byte that no word reaches, tells words that end with a zero byte apart.
        keys[:, -1] |= length.astype(np.uint64) << np.uint64(56)
        hashed = _hash(keys)
        code = self._look_up(hashed, keys)
        long = length > LONGEST
        code[long] = TOO_LONG
        new = np.flatnonzero(code < 0)
        while new.size:  # again only where two new words have one hash
            _, first = np.unique(hashed[new], return_index=True)
            first = new[np.sort(first)]
            self._add(
                [bytes(buffer[at : at + size]) for at, size in zip(start[first].tolist(), length[first].tolist(), strict=True)], keys[first]
            )
            code[new] = self._look_up(hashed[new], keys[new])
            new = new[code[new] < 0]
        return code

    def _look_up(self, hashed: NDArray[np.uint64], keys: NDArray[np.uint64]) -> Integers:
        """Return the code of each word, -1 for one that is not in the table (open addressing, linear probing)."""
        slot = self._slot(hashed)
        code = self._table[slot].astype(np.int64)
        left = np.flatnonzero((code >= 0) & (self._keys[code] != keys).any(axis=1))
        while left.size:
            slot[left] = (slot[left] + 1) & (self._table.size - 1)
            found = self._table[slot[left]].astype(np.int64)
            code[left] = found
            left = left[(found >= 0) & (self._keys[found] != keys[left]).any(axis=1)]
        return code

    def _add(self, words: list[bytes], keys: NDArray[np.uint64]) -> None:
        """Add words that are not in the table."""
        for word in words:
            self._describe(word.decode("utf-8", "replace"))
        stop = self._size + len(words)
        while stop > len(self._keys):
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
        self._keys[self._size : stop] = keys
        left = np.arange(self._size, stop)
        self._size = stop
        if self._size * 4 > self._table.size:
            while self._size * 4 > self._table.size:
                self._table = np.full(self._table.size * 4, -1, dtype=np.int32)
            left = np.arange(1, stop)
        slot = self._slot(_hash(self._keys[left]))
        while left.size:
            free = self._table[slot] < 0
            self._table[slot[free]] = left[free]  # of several that want one slot one gets it
            waiting = self._table[slot] != left
            left, slot = left[waiting], (slot[waiting] + 1) & (self._table.size - 1)

    def _slot(self, hashed: NDArray[np.uint64]) -> Integers:
        return (hashed >> np.uint64(65 - self._table.size.bit_length())).astype(np.int64)


def _hash(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    hashed = np.zeros(len(keys), dtype=np.uint64)
    for load, mixer in zip(keys.T, _MIXERS, strict=True):
        mixed = (load ^ (load >> np.uint64(29))) * mixer
        hashed ^= mixed ^ (mixed >> np.uint64(32))
    return hashed * _MIXERS[0]
