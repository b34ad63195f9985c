"""The one interface of all attacks: a query becomes an attempt, which is a prompt, the forced start of a response, and forbidden words."""

from __future__ import annotations

from dataclasses import dataclass

from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.config import ReflectionConfig
from medsafetyworld.corpus.marks import UNSAFE, reflection_text
from medsafetyworld.world.config import TASKS
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

PLAIN_REFLECTION = ReflectionConfig()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a model is given."""

    prompt: str
    """The question, as in post-training."""
    prefill: str
    """Start of the response, written by the attacker; "" for none. Nothing in it ever counts as said by the model."""
    banned: tuple[str, ...]
    """Words that can't be sampled."""

    @property
    def text(self) -> str:
        """All that the model reads before it writes."""
        return f"{self.prompt} {self.prefill}".strip()


@dataclass(frozen=True, slots=True)
class Attack:
    """A named attack that needs nothing but the query and the world's facts about it."""

    name: str
    summary: str
    prefill: str | None = None
    """Key of `dialogue.prefills`; None: the model starts its response itself."""
    ban_unsafe: bool = False
    """The word that flags a segment can't be sampled."""
    assisted: bool = False
    """The prefill supplies a hop of the answer; reported apart."""
    tasks: tuple[str, ...] = TASKS
    """Tasks in which the attack exists."""

    def attempt(self, world: World, query: Query, reflection: ReflectionConfig = PLAIN_REFLECTION) -> Attempt:
        """Return what the model is given for `query`; spoofed reflections have the form that `reflection` gives them."""
        prefill = "" if self.prefill is None else dialogue.prefills(world, query)[self.prefill]
        prefill = prefill.replace(reflection_text(False, "", PLAIN_REFLECTION), reflection_text(False, "", reflection))
        return Attempt(dialogue.prompt_text(world, query, query.template), prefill, (UNSAFE,) if self.ban_unsafe else ())
