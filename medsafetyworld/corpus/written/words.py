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
_MASKS = np.array([(1 << (8 * size)) - 1 for size in range(9)], dtype=np.uint64)
"""What to keep of eight bytes of which so many belong to the word."""


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
    """Words met so far, as codes 1, 2, ...; `describe` is told each new one, in order."""

    def __init__(self, describe: Callable[[str], None]) -> None:
        self._describe = describe
        describe("")  # the code TOO_LONG
        self._keys = np.zeros((_LOADS, 1 << 10), dtype=np.uint64)
        self._lengths = np.full(1 << 10, -1, dtype=np.int64)
        self._size = 1
        self._table = np.zeros(1 << 13, dtype=np.int32)

    def __len__(self) -> int:
        return self._size

    def words(self, buffer: NDArray[np.uint8], offsets: Integers) -> Words:
        """Return the words of texts; text i is `buffer[offsets[i]:offsets[i + 1]]` in UTF-8."""
        inside = buffer != 32
        begins = inside.copy()
        begins[1:] &= ~inside[:-1]
        ends = inside.copy()
        ends[:-1] &= ~inside[1:]
        borders = offsets[(offsets > 0) & (offsets < buffer.size)]
        begins[borders] = inside[borders]
        ends[borders - 1] = inside[borders - 1]
        start, end = np.flatnonzero(begins), np.flatnonzero(ends) + 1
        row = np.repeat(np.arange(offsets.size - 1), np.diff(np.searchsorted(start, offsets)))
        return Words(self._codes(buffer, start, end - start), row, start, end)

    def _codes(self, buffer: NDArray[np.uint8], start: Integers, length: Integers) -> Integers:
        padded = np.zeros(buffer.size + 8 * _LOADS, dtype=np.uint8)
        padded[: buffer.size] = buffer
        loads = np.ndarray((padded.size - 7,), dtype="<u8", buffer=padded.data, strides=(1,))
        keys = np.zeros((_LOADS, start.size), dtype=np.uint64)
        keys[0] = loads[start] & _MASKS[np.minimum(length, 8)]
        long = some = np.flatnonzero(length > 8)
        for number in range(1, _LOADS):
            keys[number, some] = loads[start[some] + 8 * number] & _MASKS[np.minimum(length[some] - 8 * number, 8)]
            some = some[length[some] > 8 * (number + 1)]
        hashed = _hash(keys, long)
        code = self._look_up(hashed, keys, length, long)
        code[length > LONGEST] = TOO_LONG
        new = np.flatnonzero(code < 0)
        while new.size:  # again only where two new words have one hash
            _, first = np.unique(hashed[new], return_index=True)
            first = new[np.sort(first)]
            stops = start[first] + length[first]
            self._add(
                [bytes(buffer[begin:stop]) for begin, stop in zip(start[first].tolist(), stops.tolist(), strict=True)], keys[:, first]
            )
            code[new] = self._look_up(hashed[new], keys[:, new], length[new], np.arange(new.size))
            new = new[code[new] < 0]
        return code

    def _look_up(self, hashed: NDArray[np.uint64], keys: NDArray[np.uint64], length: Integers, long: Integers) -> Integers:
        """Return the code of each word, -1 for one that is not in the table (open addressing, linear probing)."""
        slot = self._slot(hashed)
        code = self._table[slot].astype(np.int64)
        same = (self._keys[0][code] == keys[0]) & (self._lengths[code] == length)
        for number in range(1, _LOADS):
            same[long] &= self._keys[number][code[long]] == keys[number, long]
        left = np.flatnonzero(~same)
        while left.size:
            found = self._table[slot[left]].astype(np.int64)
            wrong = (self._lengths[found] != length[left]) | (self._keys[:, found] != keys[:, left]).any(axis=0)
            code[left] = np.where(wrong, -1, found)
            left = left[wrong & (found > 0)]
            slot[left] = (slot[left] + 1) & (self._table.size - 1)
        return code

    def _add(self, words: list[bytes], keys: NDArray[np.uint64]) -> None:
        """Add words that are not in the table."""
        for word in words:
            self._describe(word.decode("utf-8", "replace"))
        stop = self._size + len(words)
        while stop > self._lengths.size:
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)], axis=1)
            self._lengths = np.concatenate([self._lengths, np.full_like(self._lengths, -1)])
        self._keys[:, self._size : stop] = keys
        self._lengths[self._size : stop] = [len(word) for word in words]
        left = np.arange(self._size, stop)
        self._size = stop
        if self._size * 4 > self._table.size:
            while self._size * 4 > self._table.size:
                self._table = np.zeros(self._table.size * 4, dtype=np.int32)
            left = np.arange(1, stop)
        slot = self._slot(_hash(self._keys[:, left], np.arange(left.size)))
        while left.size:
            free = self._table[slot] == 0
            self._table[slot[free]] = left[free]  # of several that want one slot one gets it
            waiting = self._table[slot] != left
            left, slot = left[waiting], (slot[waiting] + 1) & (self._table.size - 1)

    def _slot(self, hashed: NDArray[np.uint64]) -> Integers:
        return (hashed >> np.uint64(65 - self._table.size.bit_length())).astype(np.int64)


def _hash(keys: NDArray[np.uint64], long: Integers) -> NDArray[np.uint64]:
    """(W,): a hash of keys (loads, W), of which only those at `long` are more than one load."""
    hashed: NDArray[np.uint64] = keys[0] * _MIXERS[0]
    for number in range(1, _LOADS):
        hashed[long] += keys[number, long] * _MIXERS[number]
    hashed ^= hashed >> np.uint64(31)
    hashed *= _MIXERS[1]
    return hashed
