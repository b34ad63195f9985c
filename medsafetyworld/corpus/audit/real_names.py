"""Collisions with real drug names: of the world's names, and of the words around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.finding import Finding, counted

SHORTEST = 5
"""Letters from which on a word counts as resembling at one edit; all real names of the list have as many."""


@cache
def real_drug_names() -> frozenset[str]:
    """Return the real names of `real_drug_names.txt`, which says where they come from."""
    text = files("medsafetyworld.corpus.audit").joinpath("real_drug_names.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def name_collisions(evidence: Evidence) -> Finding:
    """Return the invented compounds within one edit of a real name, and the words of other names that are one."""
    world, real = evidence.world, real_drug_names()
    compounds = world.names[list(world.compounds)].tolist()
    found = [f"{name!r} resembles {other!r}" for name, other in resembling(compounds, real)]
    phrases = world.names[[*world.mediators, *world.outcomes]].tolist()
    found += [f"{name!r} holds {word!r}" for name in phrases for word in name.split() if word in real]
    return counted("real_names", "names of the world that equal or resemble a real drug's", found, len(world.names), "names")


def word_collisions(evidence: Evidence) -> Finding:
    """Return the real names among the words that the corpus writes outside names."""
    found = [f"{word!r}, {evidence.words[word]:,} times" for word in sorted(evidence.words) if word in real_drug_names()]
    return counted("real_words", "real drug names in the text", found, len(evidence.words), "distinct words outside names")


def resembling(names: Iterable[str], real: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of an invented and a real name that are equal or one insertion, deletion or substitution apart.

    Two such names share a form with at most one letter taken out, so only names that share one are compared.
    """
    by_form: defaultdict[str, list[str]] = defaultdict(list)
    for name in real:
        for form in _forms(name):
            by_form[form].append(name)
    found = []
    for name in names:
        if len(name) >= SHORTEST:
            near = {other for form in _forms(name) for other in by_form.get(form, ())}
            found += [(name, other) for other in sorted(near) if _within_one_edit(name, other)]
    return found


def _forms(name: str) -> Iterator[str]:
    yield name
    for place in range(len(name)):
        yield name[:place] + name[place + 1 :]


def _within_one_edit(left: str, right: str) -> bool:
    short, long = sorted((left, right), key=len)
    place = next((number for number, (one, other) in enumerate(zip(short, long, strict=False)) if one != other), len(short))
    rest = short[place + 1 :] if len(short) == len(long) else short[place:]
    return len(long) - len(short) <= 1 and long[place + 1 :] == rest
