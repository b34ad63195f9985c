"""What a text states, sentence by sentence: the definition that certificates of written corpora rest on.

Reflections and end-of-text marks are no part of a text; a reflection that names an entity is. A sentence ends with ".", "!" or "?" before
whitespace. With its names replaced by what they name, a sentence that the templates write has one meaning: framing and core, and the fact
that its names make up. The framing must name nothing that the core does not.

Any other sentence is read so that nothing is missed. It states

- a whole chain, where it names all its compounds and its outcome (whatever it says of mediators);
- any other fact, where it names all its entities and states no larger fact that holds them;

in reverse where the effect is named before the cause, forward otherwise. This holds as well for a sentence in a template's words whose
names make up no fact of the world. A sentence that names no two ends of anything states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.derivation import Lists
from medsafetyworld.corpus.library import Fragment, library
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.corpus.statements import HAZARD, StatementTable
from medsafetyworld.corpus.wording import cause_and_effect
from medsafetyworld.corpus.written.facts import FactIndex
from medsafetyworld.world.mentions import Mentions
from medsafetyworld.world.schema import LAYERS
from medsafetyworld.world.world import World

NAME = 0xE000
"""Private-use characters stand for names in a skeleton: this one for a compound's, then a mediator's and an outcome's."""
_REFLECTION = re.compile(r"<think>(.*?)</think>", re.DOTALL)
_BORDER = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A meaning that the templates give to a skeleton."""

    type: int
    """Code of the statement type in `StatementTable.types`."""
    framing: int
    """Names in the framing; those after it are the core's."""
    unsafe: bool | None
    """Whether it calls its outcome dangerous; None where it says nothing of it."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one sentence states."""

    text: str
    mentioned: tuple[int, ...]
    """Entities that it names, in order, repeats included."""
    stated: tuple[tuple[int, bool], ...]
    """Statement id in the table, and whether an effect is named before its cause, of each fact that it states."""
    by_template: bool
    """Whether the templates give it this meaning."""

    @property
    def named(self) -> tuple[int, ...]:
        """Entities that it names, each once, in order."""
        return tuple(dict.fromkeys(self.mentioned))


class Reader:
    """Reads the texts of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.table = StatementTable(world, CorpusConfig())
        self.facts = FactIndex(self.table)
        self.mentions = Mentions(world.names.tolist())
        slots = np.arange(len(world.slots))
        self.effects = tuple(np.where(slots >= cause_and_effect(facts)[1][:, None], facts, -1) for facts in self.table.facts)
        """For each type its facts without their causes, (F, slots)."""
        self._cores, self._framings = _skeletons(world, self.table)
        self.patterns = lru_cache(maxsize=1 << 16)(self._patterns)
        self.read_freely = lru_cache(maxsize=1 << 16)(self._read_freely)
        self._relations = [
            (relation, code, Lists.group(_last(self.table.facts[code]), np.arange(len(self.table.facts[code])), len(world.names)))
            for code, (relation, direction) in enumerate(self.table.types)
            if direction == "forward"
        ]

    def read(self, text: str) -> list[Sentence]:
        """Return the sentences of a text, in order."""
        return [self.read_sentence(sentence) for sentence in self.sentences(text)]

    def sentences(self, text: str) -> Iterator[str]:
        """Yield the sentences of a text, without reflections and end-of-text marks."""
        text = _REFLECTION.sub(lambda found: found.group(1) if self.mentions.find(found.group(1)) else "", text)
        text = re.sub(r"\s*" + re.escape(END_OF_TEXT), "", text)
        yield from (sentence.strip() for sentence in _BORDER.split(text) if sentence.strip())

    def read_sentence(self, sentence: str) -> Sentence:
        """Return what one sentence states."""
        skeleton, end = "", 0
        mentions = self.mentions.find(sentence)
        for mention in mentions:
            skeleton += sentence[end : mention.start] + chr(NAME + int(self.world.kind[mention.entity]))
            end = mention.end
        mentioned = tuple(mention.entity for mention in mentions)
        skeleton = " ".join((skeleton + sentence[end:]).split())
        return Sentence(sentence, mentioned, *self.meaning(self.patterns(skeleton) if mentions else (), mentioned))

    def meaning(self, patterns: tuple[Pattern, ...], mentioned: tuple[int, ...]) -> tuple[tuple[tuple[int, bool], ...], bool]:
        """Return what a sentence states that has these patterns and mentions, and whether the templates say so."""
        for pattern in patterns:
            made = self._made(pattern, mentioned)
            if made is not None:
                return (made,), True
        return self.read_freely(tuple(dict.fromkeys(mentioned))), False

    def _made(self, pattern: Pattern, named: tuple[int, ...]) -> tuple[int, bool] | None:
        """Return the statement id and mention order that names make up under a pattern, None where they make up no fact."""
        core = list(dict.fromkeys(named[pattern.framing :]))
        if not set(named[: pattern.framing]) <= set(core):
            return None
        if pattern.unsafe is not None and bool(self.world.unsafe[core[-1]]) is not pattern.unsafe:
            return None
        row = int(self.facts.find(pattern.type, np.array([core], dtype=np.int32))[0])
        if row < 0:
            return None
        effects = self.effects[pattern.type][row]
        return int(self.table.offsets[pattern.type]) + row, bool((effects == named[0]).any())

    def _patterns(self, skeleton: str) -> tuple[Pattern, ...]:
        """Return the meanings of a skeleton, without a framing first."""
        found = [Pattern(kind, 0, unsafe) for kind, unsafe in self._cores.get(skeleton, ())]
        for border in re.finditer(" ", skeleton):
            framing, core = skeleton[: border.start()], skeleton[border.end() :]
            if framing in self._framings:
                found += [Pattern(kind, self._framings[framing], unsafe) for kind, unsafe in self._cores.get(core, ())]
        return tuple(found)

    def _read_freely(self, named: tuple[int, ...]) -> tuple[tuple[int, bool], ...]:
        """Return (statement id, effect first) of the largest facts that a sentence with these names, in this order, may state."""
        place = {entity: number for number, entity in enumerate(named)}
        found: list[tuple[frozenset[int], int, bool]] = []
        for relation, code, by_effect in self._relations:
            facts = self.table.facts[code]
            first = cause_and_effect(facts)[0]
            whole = relation in self.world.whole_chain_relations
            _, rows = by_effect.of(np.array(named, dtype=np.int64))
            for row in rows.tolist():
                fact = facts[row]
                causes = [entity for entity in fact[first[row] : first[row] + 2].tolist() if entity >= 0]
                effects = [entity for entity in self.effects[code][row].tolist() if entity >= 0]
                entities = frozenset(fact[fact >= 0].tolist())
                needed = {*causes, *effects} if whole else entities
                if needed <= place.keys():
                    backwards = min(place[entity] for entity in effects) < min(place[entity] for entity in causes)
                    direction = "reverse" if backwards else "forward"
                    found.append((entities, int(self.table.offsets[self.table.code(relation, direction)]) + row, backwards))
        found.sort(key=lambda fact: (-len(fact[0]), fact[1]))
        largest: list[tuple[frozenset[int], int, bool]] = []
        for fact in found:
            if not any(fact[0] < other[0] for other in largest):
                largest.append(fact)
        return tuple(sorted((number, backwards) for _, number, backwards in largest))


def _last(facts: NDArray[np.int32]) -> NDArray[np.int64]:
    """(F,): the entity in the last filled slot of each fact."""
    filled = facts.shape[1] - 1 - np.argmax(facts[:, ::-1] >= 0, axis=1)
    last: NDArray[np.int64] = facts[np.arange(len(facts)), filled].astype(np.int64)
    return last


def _skeletons(world: World, table: StatementTable) -> tuple[dict[str, list[tuple[int, bool | None]]], dict[str, int]]:
    """Return the types of each core's skeleton, with what it says of the outcome's safety, and the names in each framing's."""
    written = library(world.config.task, tuple(world.hazard_names), world.hops)
    letters = {"a": 0, **dict.fromkeys(LAYERS, 1), "c": 2}

    def skeleton(fragment: Fragment) -> str:
        return fragment.text({number: chr(NAME + letters[slot[0]]) for number, slot in enumerate(world.slots)})

    cores: dict[str, list[tuple[int, bool | None]]] = {}
    framings: dict[str, int] = {}
    for group, members in written.groups.items():
        kind, _, rest = group.partition(".")
        for fragment in (written.fragments[number] for number in members):
            if kind == "framing":
                framings[skeleton(fragment)] = len(fragment.slots)
            elif kind == "core":
                meaning = _meaning(table, *rest.split("."))
                known = cores.setdefault(skeleton(fragment), [])
                if meaning not in known:
                    known.append(meaning)
    return cores, framings


def _meaning(table: StatementTable, relation: str, form: str) -> tuple[int, bool | None]:
    """Return the type that a group of cores states, and what it says of the outcome's safety."""
    if relation == HAZARD[0]:
        return table.code(*HAZARD), form == "unsafe"
    if form == "statement":
        return table.code(*HAZARD), None
    return table.code(relation, "reverse" if form == "warning" else form), None
