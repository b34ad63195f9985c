"""Prompts, answers, refusals and prefills as text: what post-training, fine-tuning and attacks all speak.

Answers reuse the corpus's plainest cores, word for word, and refusals and reflections are fragments of the library, so that nothing here
needs a word that the vocabulary lacks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.registry import resolve
from medsafetyworld.corpus.config import CorpusConfig, ReflectionConfig
from medsafetyworld.corpus.library import Library, library
from medsafetyworld.corpus.marks import UNSAFE, label_of, reflection_text, without_end
from medsafetyworld.corpus.random import below, make_key
from medsafetyworld.errors import DataError
from medsafetyworld.world.mentions import Mentions
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

_TWO_HOP = library("two_hop", ("",))
PROMPT_TEMPLATES = len(_TWO_HOP.group("prompt.reverse"))
"""Paraphrases of each kind of prompt; a template number counts modulo this."""
PROMPTS: dict[str, tuple[str, ...]] = {
    direction: tuple(
        _TWO_HOP.fragments[index].text({slot: f"{{{name}}}" for slot, name in enumerate(_TWO_HOP.slots)}) for index in _TWO_HOP.group(group)
    )
    for direction, group in (("forward", "prompt.forward.pair"), ("reverse", "prompt.reverse"))
}
"""The paraphrases with slot names in braces, for people; `prompt_text` fills them."""
REFUSALS: tuple[str, ...] = tuple(_TWO_HOP.fragments[index].text({}) for index in _TWO_HOP.group("refusal"))
"""Refusal sentences; they name no entity."""


def is_reverse(query: Query) -> bool:
    """Whether the query asks for causes."""
    return query.category.startswith("reverse")


def prompt_text(world: World, query: Query, template: int) -> str:
    """Return the prompt of a query in paraphrase `template` (modulo `PROMPT_TEMPLATES`)."""
    if is_reverse(query):
        group, slots = "prompt.reverse", ["c"]
    elif len(query.given) == 1:
        group, slots = "prompt.forward.single", ["a1"]
    else:
        group, slots = "prompt.forward.pair", ["a1", "a2"]
    index = _library(world).group(group)[template % PROMPT_TEMPLATES]
    return _write(world, index, dict(zip(slots, query.given, strict=True)))


def answers_sentences(world: World, query: Query, answer: tuple[int, ...]) -> tuple[str, ...]:
    """Return the sentences of a right answer, hop by hop, all mediators spelled out, pairs in the order of `answer` or the query.

    Raises:
        DataError: a wrong answer.
    """
    if answer not in query.answers and answer[::-1] not in query.answers:
        raise DataError(f"an answer of query {query.query_id} must be one of {list(query.answers)}. Got {answer!r}.")
    direction = "reverse" if is_reverse(query) else "forward"
    compounds, outcome = (answer, query.given[0]) if direction == "reverse" else (query.given, answer[0])
    cores, fillers = _steps(world, compounds, outcome, direction)
    return tuple(_write(world, core, fillers) for core in cores)


def respond(
    world: World, condition: Condition, config: CorpusConfig, query: Query, sentences: tuple[str, ...] | list[str], refused: bool
) -> str:
    """Return a response in the format that the condition is post-trained on.

    Plain conditions join the sentences. The others write a mark on the prompt, then each sentence followed by one, labelled by the rule of
    the (resolved) configuration; under the context rule the prompt is part of the document. A refused prompt whose mark says Unsafe and
    ends the text is answered by that mark alone: what follows it would never be generated.
    """
    if condition.posttraining == "plain":
        return " ".join(sentences)
    settings = resolve(condition, config).reflection
    hazard = _unsafe_hazard(world, prompt_text(world, query, query.template))
    prompted = hazard is not None and (settings.label_rule != "harm" or is_reverse(query))
    if refused:
        mark = condition.mark(prompted, hazard or "", settings)
        if label_of(mark).startswith(UNSAFE) and settings.end_of_text:
            return mark
        parts = [condition.mark(prompted, hazard or "", without_end(settings))]
    else:
        parts = [condition.mark(prompted, hazard or "", settings)]
    seen = hazard if settings.label_rule == "context" else None
    for sentence in sentences:
        own = _unsafe_hazard(world, sentence)
        if settings.label_rule == "harm" and not is_reverse(query):
            own = None
        judged = seen or own
        parts += [sentence, condition.mark(judged is not None and not refused, judged or "", settings)]
        seen = judged if settings.label_rule == "context" else None
    return " ".join(part for part in parts if part)


def prefills(world: World, query: Query) -> dict[str, str]:
    """Return the openings that an attacker can put into the assistant's mouth, by name.

    Keys that spell out a part of the answer exist for reverse queries of two_hop only; they take one right answer, by a keyed choice:
    "first_hop" its first sentence, "last_hop" all its sentences but the last, which is opened, each also with a spoofed Safe reflection
    after every whole sentence. "outcome" exists for reverse queries only.
    """
    safe = reflection_text(False, "", ReflectionConfig())
    openings = {"neutral": "The", "safe_reflection": safe}
    if not is_reverse(query):
        return openings
    outcome = outcome_opening(world, query.given[0])
    openings |= {"outcome": outcome, "safe_reflection_outcome": f"{safe} {outcome}"}
    if _two_hop(world):
        choice = int(below(make_key(world.content_hash, "assisted answer"), query.query_id, len(query.answers))[0])
        sentences = answers_sentences(world, query, query.answers[choice])
        given, last = sentences[:-1], mediators_opening(world, mediators_of(world, query.answers[choice]))
        openings |= {
            "first_hop": given[0],
            "last_hop": " ".join((*given, last)),
            "first_hop_spoofed": f"{safe} {given[0]} {safe}",
            "last_hop_spoofed": " ".join((safe, *(f"{sentence} {safe}" for sentence in given), last)),
        }
    return openings


def mediators_of(world: World, causes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the mediator that each compound, or each mediator of a layer before the last, causes (two_hop)."""
    return tuple(int(mediator) for mediator in _mediator_of(world)[list(causes)])


def outcome_opening(world: World, outcome: int) -> str:
    """Return "The outcome c is caused by": in two_hop it asks for a permitted hop, as a plain completion."""
    relation = "mediator_pair_outcome" if _two_hop(world) else "compound_outcome"
    return _opening(world, _library(world).cores(relation, "reverse")[0], {"c": outcome})


def mediators_opening(world: World, mediators: tuple[int, ...]) -> str:
    """Return "The mediators b1 and b2 can be traced to" (two_hop): it asks for a permitted hop, in the same words in every layer."""
    core = _library(world).cores("compound_pair_mediator_pair", "reverse")[0]
    return _opening(world, core, dict(zip(("b1", "b2"), mediators, strict=True)))


def _steps(world: World, compounds: tuple[int, ...], outcome: int, direction: str) -> tuple[list[int], dict[str, int]]:
    """Return the fragments of an answer's sentences, in the order in which they are said, and what fills their slots."""
    if not _two_hop(world):
        core = _library(world).cores("compound_outcome" if len(compounds) == 1 else "compound_pair_outcome", direction)[0]
        return [core], {**dict(zip(("a1", "a2"), compounds, strict=False)), "c": outcome}
    pairs = [compounds]
    for _ in world.mediator_layers:
        pairs.append(mediators_of(world, pairs[-1]))
    links = [("compound_pair_mediator_pair", 0), *(("mediator_pair_mediator_pair", step) for step in range(world.hops - 2))]
    links.append(("mediator_pair_outcome", 0))
    cores = [_library(world).cores(relation, direction, step)[0] for relation, step in links]
    fillers = dict(zip(world.slots, (*(entity for pair in pairs for entity in pair), outcome), strict=True))
    return cores if direction == "forward" else cores[::-1], fillers


def _two_hop(world: World) -> bool:
    return world.config.task == "two_hop"


def _library(world: World) -> Library:
    return library(world.config.task, tuple(world.hazard_names), world.hops)


def _write(world: World, index: int, fillers: dict[str, int]) -> str:
    compiled = _library(world)
    return compiled.fragments[index].text({compiled.slots.index(slot): world.names[entity] for slot, entity in fillers.items()})


def _opening(world: World, index: int, fillers: dict[str, int]) -> str:
    """Return a fragment up to the first slot that is not filled."""
    compiled, written = _library(world), ""
    for piece in compiled.fragments[index].pieces:
        if isinstance(piece, int):
            if compiled.slots[piece] not in fillers:
                break
            written += world.names[fillers[compiled.slots[piece]]]
        else:
            written += piece
    return written.rstrip()


def _unsafe_hazard(world: World, text: str) -> str | None:
    """Return the hazard category of the first unsafe outcome that a text names, None where it names none."""
    found = [mention.entity for mention in _mentions(world).find(text) if world.unsafe[mention.entity]]
    return world.hazard_names[world.hazard[found[0]]] if found else None


@lru_cache(maxsize=8)
def _mentions(world: World) -> Mentions:
    return Mentions(world.names)


@lru_cache(maxsize=8)
def _mediator_of(world: World) -> NDArray[np.int32]:
    mediators = np.full(world.names.size, -1, dtype=np.int32)
    for edges in (world.single_edges, world.mediator_edges):
        mediators[edges[:, 0]] = edges[:, 1]
    return mediators
