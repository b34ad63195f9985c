"""The ceiling: reads every sentence as a fact, joins facts, and answers whatever follows from them.

It knows the names, of which kind each is, and that a sentence which names two pairs lists them in the same order. It knows nothing of
templates, directions or safety: a fact told forwards is a fact, and so is a warning. What it can't answer follows from no sentence of
the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise, product

from baselines.solvers.reading import answer_text, distinct_sentences
from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.evaluation.solvers import Respond, Solver
from medsafetyworld.world.mentions import Mentions
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

Known = dict[int, dict[int, None]]
"""Entity to entities, in the order in which they were read."""


@dataclass
class Knowledge:
    """The facts that sentences told."""

    world: World
    effects: Known = field(default_factory=dict)
    """Compound or mediator to what it causes in the next layer."""
    causes: Known = field(default_factory=dict)
    """Mediator to its causes in the layer before."""
    joins: dict[int, dict[tuple[int, int], None]] = field(default_factory=dict)
    """Outcome to the pairs of mediators, ascending, that cause it."""
    recipes: dict[int, dict[tuple[int, ...], None]] = field(default_factory=dict)
    """Outcome to the compounds, ascending, that are stated with it."""

    @cached_property
    def mentions(self) -> Mentions:
        """Finds the names."""
        return Mentions(self.world.names)

    def read(self, sentences: Iterable[str]) -> None:
        """Learn what sentences state."""
        for sentence in sentences:
            self.learn(dict.fromkeys(mention.entity for mention in self.mentions.find(sentence)))

    def learn(self, named: Iterable[int]) -> None:
        """Learn what a sentence states that names these entities in this order."""
        world = self.world
        layers: dict[int, list[int]] = {}
        outcomes = []
        for entity in named:
            if entity in world.outcomes:
                outcomes.append(entity)
            else:
                layers.setdefault(self._layer(entity), []).append(entity)
        for near, far in pairwise(sorted(layers)):
            if far == near + 1:
                for cause, effect in zip(layers[near], layers[far], strict=True):
                    self.effects.setdefault(cause, {})[effect] = None
                    self.causes.setdefault(effect, {})[cause] = None
        for outcome in outcomes:
            if 0 in layers:
                self.recipes.setdefault(outcome, {})[tuple(sorted(layers[0]))] = None
            last = layers.get(self._layer(world.outcomes.start - 1), [])
            if len(last) == 2 and len(world.mediators):
                self.joins.setdefault(outcome, {})[min(last), max(last)] = None

    def compounds_of(self, outcome: int) -> tuple[int, ...]:
        """Return the first recipe of an outcome that is stated or follows, () for none."""
        follow = (pair for join in self.joins.get(outcome, ()) for pair in product(*map(self._compounds_behind, join)))
        return next(chain(self.recipes.get(outcome, ()), follow), ())

    def outcomes_of(self, compounds: tuple[int, ...]) -> tuple[int, ...]:
        """Return the first outcome of compounds that is stated or follows, () for none."""
        recipe = tuple(sorted(compounds))
        stated = (outcome for outcome, recipes in self.recipes.items() if recipe in recipes)
        ends = [list(self._ends_of(compound)) for compound in compounds]
        pairs = {(min(pair), max(pair)) for pair in product(*ends)} if len(ends) == 2 else set()
        follow = (outcome for outcome, joins in self.joins.items() if not pairs.isdisjoint(joins))
        return tuple(sorted({*stated, *follow})[:1])

    def _layer(self, entity: int) -> int:
        """Return 0 for a compound, and for a mediator the number of its layer, from 1."""
        start = self.world.mediators.start
        return 0 if entity < start else 1 + (entity - start) // self.world.config.mediators

    def _compounds_behind(self, entity: int) -> Iterator[int]:
        """Yield the compounds from which an entity follows, itself if it is one."""
        if entity in self.world.compounds:
            yield entity
        for cause in self.causes.get(entity, ()):
            yield from self._compounds_behind(cause)

    def _ends_of(self, entity: int) -> Iterator[int]:
        """Yield the mediators of the last layer that follow from an entity."""
        if len(self.world.mediators) and self._layer(entity) == self._layer(self.world.outcomes.start - 1):
            yield entity
        for effect in self.effects.get(entity, ()):
            yield from self._ends_of(effect)


def read(corpus: Corpus, seed: int) -> Respond:
    """Read a corpus; nothing here is random."""
    world = corpus.world
    knowledge = Knowledge(world)
    knowledge.read(distinct_sentences(corpus))

    def respond(query: Query) -> str:
        answer = knowledge.compounds_of(query.given[0]) if dialogue.is_reverse(query) else knowledge.outcomes_of(query.given)
        return answer_text(world, query, answer)

    return respond


SOLVER = Solver("symbolic", "reads every sentence as a fact and answers whatever follows: the ceiling.", read)
