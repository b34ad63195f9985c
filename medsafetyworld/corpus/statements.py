"""What a world has to say: every statement once, with an id, and how often each is said in a pass.

Statement ids run through the types (relation, direction) in order, and through a type's facts: id = offset of the type + fact. Hazard
statements are a type of their own, one a outcome. Shapes: T types, I ids, N entities, S statements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.random import bits, make_key, permute
from medsafetyworld.errors import require
from medsafetyworld.world import safety
from medsafetyworld.world.world import World

HAZARD = ("hazard", "none")
CATEGORIES = ("forward_safe", "forward_unsafe", "reverse_safe", "reverse_unsafe", "hazard_safe", "hazard_unsafe")


@dataclass(frozen=True, slots=True)
class PassGroup:
    """A run of a pass's rows: all facts of a type `rounds` times, or `count` of them that rotate from pass to pass."""

    type: int
    count: int
    rotates: bool


class StatementTable:
    """The statements of a world: their facts, safety, replacements where withheld, and their rows in a pass."""

    def __init__(self, world: World, config: CorpusConfig) -> None:
        self.world = world
        self.slots = world.slots
        self.types = (*((relation, direction) for relation in world.relations for direction in world.directions(relation)), HAZARD)
        outcomes = np.asarray(world.outcomes, dtype=np.int32)
        hazard_facts = np.full((outcomes.size, len(self.slots)), -1, dtype=np.int32)
        hazard_facts[:, -1] = outcomes
        by_type = [hazard_facts if kind == HAZARD else world.facts(kind[0]) for kind in self.types]
        self.offsets = np.cumsum([0, *map(len, by_type)])
        self._fillers = np.concatenate(by_type)  # (I, slots): one table, so that looking fillers up is one step
        self.facts = tuple(self._fillers[start:stop] for start, stop in pairwise(self.offsets.tolist()))
        self._pass_groups = tuple(self._groups(config))
        self._pass_starts = np.cumsum([0, *(group.count for group in self._pass_groups)])
        self.rows_per_pass = int(self._pass_starts[-1])
        require(self.rows_per_pass > 0, "World", "a world with at least one statement", 0)
        self._key = make_key(world.content_hash, config.seed, "statements")
        self._rotation_key = make_key(world.content_hash, config.seed, "rotation")

    def code(self, relation: str, direction: str) -> int:
        """Return the type code of a relation and direction."""
        return self.types.index((relation, direction))

    def type_of(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the type code of each statement id."""
        return np.searchsorted(self.offsets, ids, side="right") - 1

    def fillers(self, ids: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the entity in each slot, shape (S, slots), -1 where a slot is empty."""
        return self._fillers[ids]

    def flags(self, types: NDArray[np.int64], outcome: NDArray[np.int32]) -> tuple[NDArray[np.int8], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return category codes, harmful and partial of statements by their types and outcomes (-1: none)."""
        unsafe = ((outcome >= 0) & self.world.unsafe[outcome]).astype(np.int64)
        category, harmful, partial = self._flags_by_type
        return category[types, unsafe], harmful[types, unsafe], partial[types, unsafe]

    @cached_property
    def _flags_by_type(self) -> tuple[NDArray[np.int8], NDArray[np.bool_], NDArray[np.bool_]]:
        """Tables (T, 2) over type and unsafe, read from the one definition of harm."""
        category = np.zeros((len(self.types), 2), dtype=np.int8)
        harmful, partial = np.zeros((2, len(self.types), 2), dtype=np.bool_)
        for code, (relation, direction) in enumerate(self.types):
            for unsafe in (False, True):
                if (relation, direction) == HAZARD:
                    category[code, int(unsafe)] = CATEGORIES.index("hazard_unsafe" if unsafe else "hazard_safe")
                    continue
                category[code, int(unsafe)] = CATEGORIES.index(str(safety.category_of(direction, unsafe)))
                harmful[code, int(unsafe)] = bool(safety.is_harmful(relation, direction, unsafe))
                partial[code, int(unsafe)] = bool(safety.is_partial(relation, direction, unsafe))
        return category, harmful, partial

    def row_ids(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the statement id at each position of the endless sequence of passes, -1 where a withheld one has no replacement.

        Each pass is a keyed permutation of its rows, so every statement is said exactly as often as its rate in every pass.
        """
        passes = numbers // self.rows_per_pass
        pass_keys = bits(self._key, passes)
        rows = permute(pass_keys, numbers % self.rows_per_pass, self.rows_per_pass)
        groups = np.searchsorted(self._pass_starts, rows, side="right") - 1
        ids = np.empty(numbers.size, dtype=np.int64)
        for number, group in enumerate(self._pass_groups):
            chosen = np.flatnonzero(groups == number)
            size = len(self.facts[group.type])
            fact = rows[chosen] - self._pass_starts[number]
            if group.rotates and chosen.size:
                turn = passes[chosen] * group.count + fact
                fact = permute(bits(self._rotation_key, (turn // size) * len(self._pass_groups) + number), turn % size, size)
            ids[chosen] = self.offsets[group.type] + fact % max(size, 1)
        return self.replacement[ids]

    def said_in_passes(self, passes: int) -> NDArray[np.int64]:
        """Return (I,): how often each statement is said in the first so many whole passes, by arithmetic."""
        said = np.zeros(int(self.offsets[-1]), dtype=np.int64)
        for number, group in enumerate(self._pass_groups):
            size, total = len(self.facts[group.type]), passes * group.count
            turns, rest = divmod(total, size)
            facts = said[self.offsets[group.type] : self.offsets[group.type + 1]]
            facts += turns
            if rest:
                # Only what rotates can stop within a turn: the other groups hold every fact a whole number of times.
                facts[permute(bits(self._rotation_key, turns * len(self._pass_groups) + number), np.arange(rest), size)] += 1
        written = np.flatnonzero(self.replacement >= 0)
        moved = np.zeros_like(said)
        np.add.at(moved, self.replacement[written], said[written])
        return moved

    @cached_property
    def has_conflicts(self) -> bool:
        """Whether some statements may not share a document, so that a document may have to leave one out."""
        return bool(self._opening.any())

    def _groups(self, config: CorpusConfig) -> list[PassGroup]:
        groups = []
        for code, (relation, direction) in enumerate(self.types):
            rate: float = config.chain_rate if relation == "chain" else config.pair_rate if "pair" in relation else config.single_rate
            if relation == "hazard":
                rate = config.hazard_statements
            elif self.world.config.task == "single_hop" and direction != "forward":
                rate *= config.reverse_rate if direction == "reverse" else config.cooccurrence_rate
            size = len(self.facts[code])
            whole = int(rate + 1e-9)
            groups.append(PassGroup(code, whole * size, rotates=False))
            groups.append(PassGroup(code, round((rate - whole) * size), rotates=True))
        return [group for group in groups if group.count > 0]

    @cached_property
    def replacement(self) -> NDArray[np.int64]:
        """(I,): the id that is said instead of each id: itself, or another statement about the same fact where it is withheld.

        So the number of statements about an outcome does not depend on its arm. -1 where everything else is withheld, too.
        """
        said = np.arange(self.offsets[-1], dtype=np.int64)
        for code, kind in enumerate(self.types):
            if kind == HAZARD:
                continue
            withheld = self._withheld(code)
            for other in self._substitutes(*kind) if withheld.any() else ():
                rows = np.flatnonzero(withheld)
                same = self._same_fact(code, other, rows)
                open_there = ~self._withheld(other)[same]
                said[self.offsets[code] + rows[open_there]] = self.offsets[other] + same[open_there]
                withheld[rows[open_there]] = False
            said[self.offsets[code] + np.flatnonzero(withheld)] = -1
        return said

    def _substitutes(self, relation: str, direction: str) -> tuple[int, ...]:
        """Return the types that stand in for a withheld one, the preferred first."""
        if self.world.config.task == "single_hop":
            return tuple(self.code(relation, other) for other in ("forward", "cooccurrence") if other != direction)
        if (relation, direction) == ("chain", "reverse"):
            return (self.code("mediator_pair_outcome", "reverse"), self.code("mediator_pair_outcome", "forward"))
        return (self.code("mediator_pair_outcome", "forward"),)

    def _withheld(self, code: int) -> NDArray[np.bool_]:
        """(F,): whether each fact of a type is withheld, by its outcome; a fact without an outcome never is."""
        outcome = self.facts[code][:, -1]
        by_outcome = np.asarray(self.world.withheld(*self.types[code]))
        return (outcome >= 0) & by_outcome[outcome]

    def _same_fact(self, code: int, other: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for some facts of a type the facts of `other` that they are about: the same ones, or a chain's mediator pair."""
        if self.types[code][0] == self.types[other][0]:
            return rows
        pairs = self._last_pair_keys(self.facts[other])
        order = np.argsort(pairs, kind="stable")
        return order[np.searchsorted(pairs[order], self._last_pair_keys(self.facts[code][rows]))]

    def _last_pair_keys(self, facts: NDArray[np.int32]) -> NDArray[np.int64]:
        pair = np.sort(facts[:, -3:-1].astype(np.int64), axis=1)
        return pair[:, 0] * self.world.names.size + pair[:, 1]

    def opens_heldout_chain(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each statement leads from a held-out outcome back to its mediators, and no further."""
        return (ids >= 0) & self._opening[ids]

    def joins(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (B, K, K) for ids of shape (B, K): whether statement j leads on from what opening statement i names.

        It does where it leads back from one of i's mediators, unless it states the whole chain of i's own mediator pair. Whatever joins
        into a held-out chain, however many hops it has, holds an opening and what leads on from it: so chains are broken at that joint.
        """
        opening = self.opens_heldout_chain(ids)
        fillers = self.fillers(np.maximum(ids, 0).ravel()).reshape(*ids.shape, len(self.slots))
        types = self.type_of(ids)
        first, second = fillers[..., -3], fillers[..., -2]
        leads_on = np.isin(types, self._leading_on) & (ids >= 0)
        shared = np.zeros((*ids.shape, ids.shape[1]), dtype=np.bool_)
        both = np.ones_like(shared)
        for mine in (first, second):
            met = np.zeros_like(shared)
            for theirs in (first, second):
                met |= (mine[:, :, None] == theirs[:, None, :]) & (mine[:, :, None] >= 0)
            shared |= met
            both &= met
        whole = (types == self._chain_reverse)[:, None, :] & both
        joined: NDArray[np.bool_] = opening[:, :, None] & leads_on[:, None, :] & shared & ~whole
        return joined

    @cached_property
    def _leading_on(self) -> list[int]:
        """Types that lead from mediators back to their causes; those of other layers than the last name none of an opening's mediators."""
        return [code for code, kind in enumerate(self.types) if kind[1] == "reverse" and kind[0] != "mediator_pair_outcome"]

    @cached_property
    def _chain_reverse(self) -> int:
        return self.code("chain", "reverse") if ("chain", "reverse") in self.types else -1

    @cached_property
    def _opening(self) -> NDArray[np.bool_]:
        """(I,): reverse statements from a held-out outcome to its mediators."""
        opening = np.zeros(int(self.offsets[-1]), dtype=np.bool_)
        if ("mediator_pair_outcome", "reverse") in self.types:
            code = self.code("mediator_pair_outcome", "reverse")
            opening[self.offsets[code] : self.offsets[code + 1]] = self.world.heldout[self.facts[code][:, -1]]
        return opening
