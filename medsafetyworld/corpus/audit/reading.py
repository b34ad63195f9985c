"""What a text says, read without its metadata: which entities each sentence names, in which order, and in which direction it leads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medsafetyworld.corpus.library import library
from medsafetyworld.corpus.marks import END_OF_TEXT, MARK_PATTERN
from medsafetyworld.world.mentions import Mention, Mentions
from medsafetyworld.world.world import KINDS, World

MASKS = tuple(kind.upper() for kind in KINDS)
"""What stands for a name once it is masked."""
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that names entities."""

    direction: str
    """forward, reverse or cooccurrence as its core says; of an unknown wording, by whether the effect comes first."""
    compounds: frozenset[int]
    mediators: frozenset[int]
    outcomes: frozenset[int]
    text: str


class Reader:
    """Reads the texts of a world."""

    def __init__(self, world: World) -> None:
        self.kind = world.kind.tolist()
        self._mentions = Mentions(world.names)
        compiled = library(world.config.task, tuple(world.hazard_names), world.hops)
        masks = {slot: MASKS[{"a": 0, "c": 2}.get(name[0], 1)] for slot, name in enumerate(compiled.slots)}
        self._directions = {
            compiled.fragments[index].text(masks): group.split(".")[2]
            for group, indices in compiled.groups.items()
            if group.startswith("core.")
            for index in indices
        }

    def mentions(self, text: str) -> list[Mention]:
        """Return the entities that a text names, in order."""
        return self._mentions.find(text)

    def mask(self, text: str, mentions: list[Mention], start: int = 0, stop: int | None = None) -> str:
        """Return `text[start:stop]` with each name replaced by the mask of its kind."""
        stop = len(text) if stop is None else stop
        parts, position = [], start
        for mention in mentions:
            if start <= mention.start and mention.end <= stop:
                parts += [text[position : mention.start], MASKS[self.kind[mention.entity]]]
                position = mention.end
        return "".join([*parts, text[position:stop]])

    def sentences(self, text: str, mentions: list[Mention]) -> list[Sentence]:
        """Return the sentences of a text that name entities. What a framing names ("On X:") is left out."""
        found = []
        for match in _SENTENCE.finditer(text):
            start = text.rfind(": ", match.start(), match.end()) + 2 if ": " in match.group() else match.start()
            named = [mention for mention in mentions if start <= mention.start and mention.end <= match.end()]
            if not named:
                continue
            kinds = [self.kind[mention.entity] for mention in named]
            core = self.mask(text, named, start, match.end()).strip()
            direction = self._directions.get(core, "reverse" if kinds[0] > kinds[-1] else "forward")
            members = [
                frozenset(mention.entity for mention, kind in zip(named, kinds, strict=True) if kind == wanted) for wanted in (0, 1, 2)
            ]
            found.append(
                Sentence("reverse" if direction == "warning" else direction, members[0], members[1], members[2], match.group().strip())
            )
        return found


def without_marks(text: str) -> str:
    """Return a document's text without reflections and end-of-text tokens."""
    return MARK_PATTERN.sub("", text).replace(f" {END_OF_TEXT}", "")
