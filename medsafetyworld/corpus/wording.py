"""How statements are worded: framing, core and closing of each, and the columns that a condition transforms."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.layout import Layout
from medsafetyworld.corpus.library import Library
from medsafetyworld.corpus.random import Counters, below, bits, make_key, uniform
from medsafetyworld.corpus.statements import HAZARD, StatementTable
from medsafetyworld.world.schema import BETWEEN_MEDIATORS


def cause_and_effect(fillers: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first slot of each end of some facts, (S,) each, from the slots (S, slots) that they fill.

    Slots run from causes to effects and a pair stands side by side, so the ends are the first filled slot and the last filled pair.
    """
    filled = fillers >= 0
    last = filled.shape[1] - 1 - filled[:, ::-1].argmax(axis=1)
    return filled.argmax(axis=1), last - last % 2


@dataclass(frozen=True, slots=True, eq=False)
class Statements:
    """Statements of some documents, column by column, in document order. Every column has length S."""

    document: NDArray[np.int64]
    """Position in the indices asked for."""
    index: NDArray[np.int64]
    """Index of the document in the corpus."""
    slot: NDArray[np.int64]
    """Number of the statement slot in the corpus: the counter of everything drawn about the statement, in every condition."""
    type: NDArray[np.int64]
    """Code of (relation, direction) in `StatementTable.types`."""
    fact: NDArray[np.int64]
    """Row of the fact in `World.facts(relation)`; of a hazard statement, the number of the outcome."""
    outcome: NDArray[np.int32]
    """Entity id of the outcome, -1 for a statement about none."""
    category: NDArray[np.int8]
    """Code in `statements.CATEGORIES`."""
    harmful: NDArray[np.bool_]
    partial: NDArray[np.bool_]
    fillers: NDArray[np.int32]
    """(S, slots): entity in each slot, -1 where empty."""
    framing: NDArray[np.int32]
    """Fragment index of the framing, -1 for none."""
    core: NDArray[np.int32]
    """Fragment index of the core."""
    closing: NDArray[np.int32]
    """Fragment index of the closing sentence, -1 for none."""

    def where(self, keep: NDArray[np.bool_]) -> Statements:
        """Return the statements for which `keep` is true."""
        return replace(self, **{column.name: getattr(self, column.name)[keep] for column in fields(self)})


class Wording:
    """Words statements by keyed choices; nothing here depends on a condition or on safety but the word of a hazard statement."""

    def __init__(self, table: StatementTable, library: Library, config: CorpusConfig) -> None:
        self._table, self._library, self._config = table, library, config
        self._cores = [library.group("core.hazard.safe") if kind == HAZARD else library.cores(*kind) for kind in table.types]
        self._between = np.array([relation in BETWEEN_MEDIATORS for relation, _ in table.types])
        self._forward = np.array([direction == "forward" for _, direction in table.types])
        self._either = np.array([direction == "cooccurrence" for _, direction in table.types])

    def word(self, layout: Layout, indices: NDArray[np.int64]) -> Statements:
        """Return the worded statements of a layout."""
        table = self._table
        types = table.type_of(layout.id)
        fillers = self._swap_pairs(table.fillers(layout.id), layout.slot)
        outcome, (cause, effect) = fillers[:, -1], cause_and_effect(fillers)
        given = self._given(types, cause, effect, layout.slot)
        category, harmful, partial = table.flags(types, outcome)
        return Statements(
            document=layout.document,
            index=indices[layout.document],
            slot=layout.slot,
            type=types,
            fact=layout.id - table.offsets[types],
            outcome=outcome,
            category=category,
            harmful=harmful,
            partial=partial,
            fillers=fillers,
            framing=self._framing(given, fillers, layout.slot),
            core=self._core(types, cause, outcome, layout.slot),
            closing=self._closing(layout.slot),
        )

    def _key(self, purpose: str) -> Counters:
        return make_key(self._table.world.content_hash, self._config.seed, purpose)

    def _given(
        self, types: NDArray[np.int64], cause: NDArray[np.int64], effect: NDArray[np.int64], slot: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the slot that a topic framing names: on the side that the statement starts from, so that mentions keep its direction.

        Pairs are swapped at random, so the first slot is either member. Co-occurrence has no direction: it starts from either side.
        """
        from_cause = self._forward[types] | (self._either[types] & (uniform(self._key("topic side"), slot) < 0.5))
        return np.where(from_cause, cause, effect)

    def _swap_pairs(self, fillers: NDArray[np.int32], slot: NDArray[np.int64]) -> NDArray[np.int32]:
        """Exchange the two members of a pair in half of the statements, in all layers together, so that causes stay with effects."""
        order = np.arange(fillers.shape[1])
        order[:-1] = order[:-1] ^ 1
        paired = (fillers[:, 1:-1:2] >= 0).any(axis=1)
        swapped = paired & ((bits(self._key("pair order"), slot) >> np.uint64(63)) == 1)
        return np.where(swapped[:, None], fillers[:, order], fillers)

    def _framing(self, topic_slot: NDArray[np.int64], fillers: NDArray[np.int32], slot: NDArray[np.int64]) -> NDArray[np.int32]:
        library, config = self._library, self._config
        draw = uniform(self._key("framing kind"), slot)
        topics = np.array([library.group(f"framing.topic.{name}").start for name in library.slots])
        pair_topics = np.array(
            [library.group(f"framing.topic.{name[:-1]}_pair").start if name.endswith("1") else -1 for name in library.slots]
        )
        topic_count, plain = len(library.group("framing.topic.c")), library.group("framing.plain")
        partner = np.minimum(topic_slot + 1, fillers.shape[1] - 1)
        paired = (pair_topics[topic_slot] >= 0) & (fillers[np.arange(slot.size), partner] >= 0)
        paired &= uniform(self._key("topic pair"), slot) < config.pair_topic_share
        first = np.where(paired, pair_topics[topic_slot], topics[topic_slot])
        topic = first + below(self._key("topic framing"), slot, topic_count)
        other = plain.start + below(self._key("plain framing"), slot, len(plain))
        framing = np.where(draw < config.topic_share, topic, np.where(draw < config.topic_share + config.framing_share, other, -1))
        return framing.astype(np.int32)

    def _core(
        self, types: NDArray[np.int64], cause: NDArray[np.int64], outcome: NDArray[np.int32], slot: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        starts, counts = np.array([group.start for group in self._cores]), np.array([len(group) for group in self._cores])
        step = np.where(self._between[types], cause // 2 - 1, 0)
        core: NDArray[np.int64] = starts[types] + step * counts[types] + below(self._key("core"), slot, counts[types])
        safe, unsafe = self._library.group("core.hazard.safe"), self._library.group("core.hazard.unsafe")
        dangerous = (types == self._table.code(*HAZARD)) & self._table.world.unsafe[outcome]
        return np.where(dangerous, core + (unsafe.start - safe.start), core).astype(np.int32)

    def _closing(self, slot: NDArray[np.int64]) -> NDArray[np.int32]:
        group = self._library.group("closing")
        closing = group.start + below(self._key("closing"), slot, len(group))
        return np.where(uniform(self._key("closing kind"), slot) < self._config.closing_share, closing, -1).astype(np.int32)
