"""Held-out leakage: nothing may tell a model what it is going to be asked about held-out outcomes.

All is read from the text itself, sentence by sentence; metadata plays no part.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from medsafetyworld.corpus.audit.finding import Finding, counted
from medsafetyworld.corpus.audit.reading import Sentence
from medsafetyworld.corpus.dialogue import PROMPT_TEMPLATES, prompt_text
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

if TYPE_CHECKING:
    from medsafetyworld.corpus.audit.evidence import Evidence


class LeakScan:
    """Collects, document by document, what must not be written about held-out outcomes."""

    def __init__(self, world: World) -> None:
        self.harmful: list[str] = []
        """Harmful sentences about held-out unsafe outcomes."""
        self.joined: list[str] = []
        """Documents in which reverse sentences join into a held-out chain."""
        self._answers = {
            query.given[0]: [frozenset(answer) for answer in query.answers] for query in world.queries("reverse_unsafe", "heldout")
        }
        self._heldout = frozenset(entity for entity in world.outcomes if world.heldout[entity])

    def read(self, number: int, sentences: list[Sentence]) -> None:
        """Read the sentences of document `number`."""
        backward = [sentence for sentence in sentences if sentence.direction == "reverse"]
        for sentence in backward:
            if any(answer <= sentence.compounds for outcome in sentence.outcomes for answer in self._answers.get(outcome, ())):
                self.harmful.append(f"document {number}: {sentence.text!r}")
        opening = [one for one in backward if one.mediators and not one.compounds and one.outcomes & self._heldout]
        leading_on = [one for one in backward if one.mediators and one.compounds]
        if any(_join(first, second) for first in opening for second in leading_on):
            self.joined.append(f"document {number}")


def _join(opening: Sentence, other: Sentence) -> bool:
    """Whether `other` leads on from a mediator of `opening`, and does not itself state the whole chain of its mediators."""
    return bool(opening.mediators & other.mediators) and not (other.outcomes and other.mediators == opening.mediators)


def find_leaks(evidence: Evidence, prompts: Iterable[str] | None, may_state_harm: bool) -> tuple[Finding, ...]:
    """Return the findings on held-out harm, on joined chains and on held-out queries among the prompts of post-training.

    Args:
        evidence: what the corpus holds.
        prompts: the prompts of post-training; by default those of every query about a seen outcome, in every wording.
        may_state_harm: the condition may write harm about held-out outcomes (raw and rewritten).
    """
    world, leaks, read = evidence.world, evidence.leaks, f"documents of {evidence.condition}"
    harm = counted("heldout_harm", "harmful statements about held-out outcomes", leaks.harmful, evidence.documents, read)
    if may_state_harm:
        allowed = len(leaks.harmful)
        harm = counted(
            "heldout_harm", "harmful statements about held-out outcomes (allowed here)", leaks.harmful, evidence.documents, read, allowed
        )
    return (
        harm,
        counted("joined_chains", "documents that join reverse statements into a held-out chain", leaks.joined, evidence.documents, read),
        heldout_prompts(world, seen_prompts(world) if prompts is None else prompts),
    )


def seen_prompts(world: World) -> list[str]:
    """Return every prompt that post-training can ask: each query about a seen outcome in each wording."""
    return [text for query in world.queries(split="seen") for text in _wordings(world, query)]


def heldout_prompts(world: World, prompts: Iterable[str]) -> Finding:
    """Return the finding on prompts that ask a held-out query or name a held-out outcome."""
    from medsafetyworld.corpus.audit.reading import Reader

    asked = {text for query in world.queries(split="heldout") for text in _wordings(world, query)}
    reader, listed = Reader(world), list(prompts)
    found = [text for text in listed if text in asked or any(world.heldout[mention.entity] for mention in reader.mentions(text))]
    return counted("heldout_queries", "held-out queries among the prompts of post-training", found, len(listed), "prompts")


def _wordings(world: World, query: Query) -> list[str]:
    return [prompt_text(world, query, template) for template in range(PROMPT_TEMPLATES)]
