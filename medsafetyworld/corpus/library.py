"""Sentence parts compiled from the Jinja2 templates into pieces with slots, once per task and number of hops.

One library holds every fragment that any condition, style or dialogue of a task can write, so that fragment indices and the vocabulary
are the same in all of them.

>>> two_hop = library("two_hop", ("cardiac",))
>>> two_hop.fragments[two_hop.group("core.mediator_pair_outcome.reverse")[0]].pieces
('The outcome ', 4, ' is caused by ', 2, ' and ', 3, '.')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from medsafetyworld.corpus.marks import all_marks
from medsafetyworld.errors import ConfigError, require_choice
from medsafetyworld.world.schema import BETWEEN_MEDIATORS, HOPS, resolve_hops
from medsafetyworld.world.schema import slots as slots_of

TOKEN_PATTERN = re.compile(r"<think>|</think>|<\|endoftext\|>|\w+|[^\w\s]")
"""What counts as a token: a word, a punctuation mark or a special token. An entity name counts as one."""

_SLOT_BASE = 0xE000  # private-use characters stand for slots while a template is rendered
_NAME = "\ue0ff"
_ENVIRONMENT = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined, autoescape=False)
# Compiled on import, so that the first document of a process does not wait for it.
_TEMPLATES = {file: _ENVIRONMENT.get_template(f"{file}.j2") for file in ("common", *HOPS)}


@dataclass(frozen=True, slots=True)
class Fragment:
    """A sentence part. Its text is the plain concatenation of `pieces`: literal text (with its inner spaces and punctuation), or the
    index of a slot in `World.slots`, to be filled with an entity's name. It neither begins nor ends with a space."""

    name: str
    pieces: tuple[str | int, ...]

    @property
    def slots(self) -> tuple[int, ...]:
        """Slots in the order in which they are mentioned, repeats included."""
        return tuple(piece for piece in self.pieces if isinstance(piece, int))

    def text(self, fillers: Mapping[int, str]) -> str:
        """Return the text with slot i filled by `fillers[i]`."""
        return "".join(fillers[piece] if isinstance(piece, int) else piece for piece in self.pieces)


@dataclass(frozen=True, eq=False)
class Library:
    """All fragments of a task, with their groups and per-fragment columns."""

    task: str
    hops: int
    slots: tuple[str, ...]
    fragments: tuple[Fragment, ...]
    groups: Mapping[str, range]
    used: NDArray[np.bool_]
    """(F, slots): the fragment mentions the slot."""
    mentions: NDArray[np.int8]
    """(F, slots): how often."""
    words: NDArray[np.int32]
    """(F,): whitespace-separated words when every name is one word."""
    tokens: NDArray[np.int32]
    """(F,): tokens (`TOKEN_PATTERN`), a name being one."""
    literal_index: Mapping[str, int]
    """Index of each fragment without slots by its text."""

    def group(self, name: str) -> range:
        """Return the fragment indices of a group, such as "core.chain.reverse", "framing.topic.c", "closing", "mark"."""
        require_choice(name, "fragment group", self.groups)
        return self.groups[name]

    def cores(self, relation: str, direction: str, step: int = 0) -> range:
        """Return the core sentences of a relation and direction. Between mediator layers each step has its own, from the compounds on."""
        group = self.group(f"core.{relation}.{direction}")
        size = len(group) // (self.hops - 2 if relation in BETWEEN_MEDIATORS else 1)
        return group[step * size : (step + 1) * size]

    def index_of(self, text: str) -> int:
        """Return the index of the fragment that writes exactly `text`, without slots."""
        if text not in self.literal_index:
            raise ConfigError(f"a literal fragment must be one of the library's. Got {text!r}.")
        return self.literal_index[text]

    @cached_property
    def names(self) -> list[str]:
        """Name of each fragment: its group and its number there."""
        return [fragment.name for fragment in self.fragments]

    @cached_property
    def mention_orders(self) -> list[tuple[int, ...]]:
        """Slots of each fragment, each once, in the order in which it mentions them."""
        return [tuple(dict.fromkeys(fragment.slots)) for fragment in self.fragments]

    def literal_texts(self) -> tuple[str, ...]:
        """Return every literal piece once: with the entity names, all that a text of this task is made of."""
        return tuple(dict.fromkeys(piece for fragment in self.fragments for piece in fragment.pieces if isinstance(piece, str)))


def library(task: str, hazard_names: tuple[str, ...], hops: int | None = None) -> Library:
    """Return the compiled library of a task, of its own number of hops where None; it is built once and shared."""
    require_choice(task, "task", HOPS)
    return _build(task, hazard_names, resolve_hops(task, hops))


@cache
def _build(task: str, hazard_names: tuple[str, ...], hops: int) -> Library:
    slots = slots_of(task, hops)
    groups: dict[str, list[str]] = {}
    placeholders = {slot: chr(_SLOT_BASE + position) for position, slot in enumerate(slots)}
    for file in ("common", task):
        for name, lines in _render_macros(file, {**placeholders, **_layers(placeholders)}).items():
            if lines:
                groups[_group_name(name)] = lines
    topics = groups.pop("framing.topic")
    for slot in slots:
        groups[f"framing.topic.{slot}"] = [line.replace(_NAME, placeholders[slot]) for line in topics]
        if slot.endswith("1"):
            pair = f"{placeholders[slot]} and {placeholders[slot[:-1] + '2']}"
            groups[f"framing.topic.{slot[:-1]}_pair"] = [line.replace(_NAME, pair) for line in topics]
    groups["mark"] = list(all_marks(hazard_names))
    return _compile(task, hops, slots, dict(sorted(groups.items())))


def _layers(placeholders: Mapping[str, str]) -> dict[str, Any]:
    """Return what the templates say about a chain's layers, of which compounds are the first."""
    slots = list(placeholders)[:-1]
    layers = [
        {"one": placeholders[one], "two": placeholders[two], "pair": f"{placeholders[one]} and {placeholders[two]}"}
        for one, two in zip(slots[::2], slots[1::2], strict=True)
    ]
    pairs = [layer["pair"] for layer in layers]
    return {"steps": list(pairwise(layers[1:])), "last": layers[-1], "onward": pairs[2:], "backward": pairs[-2::-1]}


def _render_macros(file: str, placeholders: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the lines of each macro of a template file, slots written as private-use characters."""
    module = _TEMPLATES[file].make_module({**placeholders, "x": _NAME})
    macros = {name: value for name, value in vars(module).items() if not name.startswith("_") and callable(value)}
    return {name: [line.strip() for line in str(macro()).splitlines() if line.strip()] for name, macro in macros.items()}


def _group_name(macro: str) -> str:
    """Turn a macro's name into a group's: chain_reverse -> core.chain.reverse."""
    head, _, tail = macro.rpartition("_")
    if head in ("framing", "prompt_forward"):
        return f"{head.replace('_', '.')}.{tail}"
    if macro in ("prompt_reverse", "closing", "refusal"):
        return macro.replace("_", ".")
    return f"core.{head}.{tail}"


def _compile(task: str, hops: int, slots: tuple[str, ...], groups: Mapping[str, list[str]]) -> Library:
    fragments: list[Fragment] = []
    ranges: dict[str, range] = {}
    for group, lines in groups.items():
        ranges[group] = range(len(fragments), len(fragments) + len(lines))
        fragments.extend(Fragment(f"{group}.{number}", _pieces(line, len(slots))) for number, line in enumerate(lines))
    mentions = np.array([[fragment.slots.count(slot) for slot in range(len(slots))] for fragment in fragments], dtype=np.int8)
    plain = [fragment.text(dict.fromkeys(range(len(slots)), "x")) for fragment in fragments]
    literal = {fragment.pieces[0]: index for index, fragment in enumerate(fragments) if not fragment.slots}
    return Library(
        task=task,
        hops=hops,
        slots=slots,
        fragments=tuple(fragments),
        groups=ranges,
        used=_frozen(mentions > 0),
        mentions=_frozen(mentions),
        words=_frozen(np.array([len(text.split()) for text in plain], dtype=np.int32)),
        tokens=_frozen(np.array([len(TOKEN_PATTERN.findall(text)) for text in plain], dtype=np.int32)),
        literal_index={str(text): index for text, index in literal.items()},
    )


def _pieces(line: str, slots: int) -> tuple[str | int, ...]:
    marked = re.split(f"([{chr(_SLOT_BASE)}-{chr(_SLOT_BASE + slots - 1)}])", line)
    return tuple(ord(piece) - _SLOT_BASE if len(piece) == 1 and ord(piece) >= _SLOT_BASE else piece for piece in marked if piece)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
