"""Invented names, unique by construction.

A name is a number written in a mixed radix whose digits are words of a list; a keyed permutation of all numbers chooses
which are used. Compounds are one word: opening, middles, ending, each of a fixed length, so no compound holds another.
Mediators and outcomes are phrases: modifier, in large worlds a site, then a process or a symptom. As no modifier ends in
another and no process, symptom or site begins another, no phrase holds another. No ending of a compound occurs in a phrase.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.world.random import key_of, scatter

Kind = Literal["compound", "mediator", "outcome"]
MOST_MIDDLES = 3
_CHUNK = 1 << 18


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the words of the list `name`, without its comment lines."""
    text = files("medsafetyworld.world").joinpath(f"wordlists/{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def capacity(kind: str, label_visible: bool = False) -> int:
    """Return how many names of a kind there are; of outcomes with visible labels, how many of the rarer sort."""
    if kind != "outcome" or not label_visible:
        return math.prod(map(len, _forms(kind)[-1]))
    return min(math.prod(map(len, _forms(kind, modifiers)[-1])) for modifiers in ("modifiers", "modifiers_unsafe"))


def draw_names(seed: int, kind: Kind, count: int) -> NDArray[np.object_]:
    """Draw `count` distinct names of a kind; returns (count,) strings."""
    return _draw(seed, kind, count, _smallest(_forms(kind), count))


def draw_labelled_names(seed: int, unsafe: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Draw names of outcomes in which the modifier of each unsafe one shows that it is; returns (N,) strings."""
    names = np.empty(len(unsafe), dtype=object)
    for label, modifiers in ((False, "modifiers"), (True, "modifiers_unsafe")):
        chosen = np.flatnonzero(unsafe == label)
        names[chosen] = _draw(seed, f"outcome {label}", len(chosen), _smallest(_forms("outcome", modifiers), len(chosen)))
    return names


def _forms(kind: str, modifiers: str = "modifiers") -> list[list[tuple[str, ...]]]:
    """Return the word lists of each form of name, from the shortest on."""
    if kind == "compound":
        onsets, middles, endings = (words(f"compound_{part}") for part in ("onsets", "middles", "endings"))
        return [[onsets, *[middles] * number, endings] for number in range(1, MOST_MIDDLES + 1)]
    last = words("processes" if kind == "mediator" else "symptoms")
    return [[words(modifiers), last], [words(modifiers), words("sites"), last]]


def _smallest(forms: list[list[tuple[str, ...]]], count: int) -> list[tuple[str, ...]]:
    return next(form for form in forms if math.prod(map(len, form)) >= count)


def _draw(seed: int, purpose: str, count: int, form: list[tuple[str, ...]]) -> NDArray[np.object_]:
    key, size = key_of(seed, "names", purpose), math.prod(map(len, form))
    separator = "" if purpose == "compound" else " "
    names = np.empty(count, dtype=object)
    for start in range(0, count, _CHUNK):
        numbers = scatter(key, np.arange(start, min(start + _CHUNK, count)), size)
        names[start : start + len(numbers)] = _spell(numbers, form, separator)
    return names


def _spell(numbers: NDArray[np.int64], form: list[tuple[str, ...]], separator: str) -> NDArray[np.object_]:
    spelled: NDArray[np.object_] | None = None
    for word_list in reversed(form):
        numbers, digit = np.divmod(numbers, len(word_list))
        word = np.array(word_list, dtype=object)[digit]
        spelled = word if spelled is None else word + separator + spelled
    assert spelled is not None
    return spelled
