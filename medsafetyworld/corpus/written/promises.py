"""What a condition promises of its corpora, and where a corpus breaks it.

Every condition: no route is open that an arm closes to a held-out unsafe outcome, and every other one is open; reverse statements that join
into a held-out chain share no document; a row's lists say what its text says. By what the condition does with harm:

- "all" (raw, rewritten as a warning, reflection on raw): the held-out answers are stated;
- "seen" (a filter that misses, which it does on seen outcomes only, or a transformation of another package): no held-out answer is stated;
- "none" (everything else): no harmful chain is stated at all;
- `filtered_plus` besides: no unsafe outcome is named, so that nothing about one is derivable, and no route need be open.

A route or a statement that is missing is a breach where the corpus of the manifest's configuration has it, worked out from the pure
function, and a warning where it has not (a corpus may be smaller than a pass) or where there is no configuration to tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from medsafetyworld.corpus.certificate import certificate_columns
from medsafetyworld.corpus.conditions.base import keep
from medsafetyworld.corpus.conditions.filtered import remove_harm
from medsafetyworld.corpus.conditions.filtered_plus import remove_unsafe
from medsafetyworld.corpus.conditions.reflection import reflect_on_base
from medsafetyworld.corpus.conditions.rewritten import rewrite_harm
from medsafetyworld.corpus.derivation import ROUTES, Integers, closed_routes, open_routes
from medsafetyworld.corpus.exposure import Exposure
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.corpus.written.shards import NAMED, Findings, Written
from medsafetyworld.world.world import World


@dataclass(frozen=True, slots=True)
class Promise:
    """What a condition promises about harm."""

    harm: Literal["all", "seen", "none"]
    names_unsafe: bool = True


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that a corpus breaks, or (as a warning) that it may be too small to keep."""

    what: str
    count: int
    examples: tuple[str, ...]


def promise_of(corpus: Corpus) -> Promise:
    """Return what the condition of a corpus promises under its configuration."""
    transform, config = corpus.source.transform, corpus.config
    if transform is keep or (transform is reflect_on_base and config.reflection.base == "raw"):
        return Promise("all")
    if transform is rewrite_harm:
        return Promise("all" if config.rewrite_style == "warning" else "none")
    if transform is remove_unsafe:
        return Promise("none", names_unsafe=False)
    if transform is remove_harm or transform is reflect_on_base:
        return Promise("none" if config.filter.recall == 1.0 else "seen")
    return Promise("seen")


def check(
    world: World, written: Written, exposure: Exposure, corpus: Corpus | None, expected: Corpus | None
) -> tuple[tuple[Breach, ...], tuple[Breach, ...]]:
    """Return the breaches of a corpus, and its warnings.

    Args:
        written: what the corpus states.
        corpus: a corpus of its condition; None where no condition is known, so that only the lists can be wrong.
        expected: the corpus of its manifest's configuration; None where that is not known.
    """
    found = written.findings
    breaches = [_found("rows whose lists do not say what the text says", found["disagreement"])]
    warnings: list[Breach] = []
    if corpus is not None:
        promise = promise_of(corpus)
        if promise.harm == "none":
            breaches.append(_found("harmful statements, where there may be none", found["harmful"]))
        if not promise.names_unsafe:
            breaches.append(_found("rows that name an unsafe outcome, where none may", found["unsafe_named"]))
        breaches.append(_found("rows in which reverse statements join into a held-out chain", found["joined"]))
        routes = _Routes(world, exposure, promise)
        breaches += routes.too_many()
        missing = routes.missing()
        none = np.zeros(0, dtype=np.int64)
        also = _Routes(world, expected.exposure, promise).missing() if missing and expected is not None else {}
        for what, queries in missing.items():
            excused = queries if expected is None else np.intersect1d(queries, also.get(what, none))
            breaches.append(_queries(world, what, np.setdiff1d(queries, excused)))
            warnings.append(_queries(world, what, excused))
    return tuple(breach for breach in breaches if breach.count), tuple(warning for warning in warnings if warning.count)


class _Routes:
    """The held-out unsafe outcomes of a world, and by which routes some corpus tells their causes."""

    def __init__(self, world: World, exposure: Exposure, promise: Promise) -> None:
        self.world, self.promise = world, promise
        queries = world.queries("reverse_unsafe", "heldout")
        self.ids = np.array([query.query_id for query in queries], dtype=np.int64)
        columns = list(certificate_columns(world, exposure, self.ids))
        none = np.zeros((0, len(ROUTES)), dtype=np.bool_)
        self.opened = np.concatenate([none, *(part.routes for part in columns)])
        self.stated = np.concatenate([np.zeros(0, dtype=np.bool_), *(part.stated > 0 for part in columns)])
        named = promise.names_unsafe
        closed = [[not named or route in closed_routes(world, query.arm) for route in ROUTES] for query in queries]
        left = [[named and route in open_routes(world, query.arm) for route in ROUTES] for query in queries]
        self.closed, self.left = (np.array(rows, dtype=np.bool_).reshape(-1, len(ROUTES)) for rows in (closed, left))

    def too_many(self) -> list[Breach]:
        """Return what is open or stated and must not be."""
        stated = self.stated & (self.promise.harm != "all")
        breaches = [_queries(self.world, "held-out unsafe answers that are stated", self.ids[stated])]
        for column, route in enumerate(ROUTES):
            queries = self.ids[self.opened[:, column] & self.closed[:, column]]
            breaches.append(_queries(self.world, f"held-out unsafe outcomes open by {route}, which is closed to them", queries))
        return breaches

    def missing(self) -> dict[str, Integers]:
        """Return what is not open or not stated and should be: a description, and the queries."""
        found = {"held-out unsafe answers that are not stated": self.ids[~self.stated & (self.promise.harm == "all")]}
        for column, route in enumerate(ROUTES):
            queries = self.ids[self.left[:, column] & ~self.opened[:, column]]
            found[f"held-out unsafe outcomes not open by {route}, which is open to them"] = queries
        return {what: queries for what, queries in found.items() if queries.size}


def _found(what: str, found: Findings) -> Breach:
    return Breach(what, found.count, tuple(f"{one.shard}, document {one.doc_id}: {one.what}" for one in found.named))


def _queries(world: World, what: str, queries: Integers) -> Breach:
    asked = world.queries()
    examples = (f"query {query} ({asked[query].arm}): {world.names[asked[query].given[0]]}" for query in queries[:NAMED].tolist())
    return Breach(what, len(queries), tuple(examples))
