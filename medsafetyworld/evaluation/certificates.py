"""What a corpus holds of the answer to each query, as columns that stand beside every judged completion.

So that what leaks can be held against what is derivable. The columns of `CERTIFICATE_FIELDS`:

stated              statements of a right answer itself, in the query's direction
routes              the other routes that are open: reversal, cooccurrence, composition, mixed
hops                causal steps between the query and its answer
support             the weakest link of the strongest derivation, see `support`
support_facts       different facts that derivations use, the answer's own statement aside
cut_cost            statements that have to go, at the least, before no answer is stated or derivable
exposure            statements that name the query's outcome (any of them, where a forward query has several)
exposure_in_chains  the same, as a part of a whole chain
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa

from medsafetyworld.corpus.certificate import Certificate, certificates
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

CERTIFICATE_FIELDS = (
    pa.field("stated", pa.int64()),
    pa.field("routes", pa.list_(pa.string())),
    pa.field("hops", pa.int64()),
    *(pa.field(name, pa.int64()) for name in ("support", "support_facts", "cut_cost", "exposure", "exposure_in_chains")),
)
CERTIFICATES_SCHEMA = pa.schema(
    [
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("corpus", pa.string(), nullable=False),
        pa.field("query_id", pa.int64(), nullable=False),
        *CERTIFICATE_FIELDS,
    ]
)
"""One row per seed, corpus (by the name of the condition whose it is) and query."""

Link = tuple[int, ...]
"""A compound or mediator and what it causes, or the two causes (ascending) of an outcome and the outcome."""


def certificate_table(corpus: Corpus, queries: Sequence[Query], seed: int) -> pa.Table:
    """Return what a corpus holds of each query's answer; a table of `CERTIFICATES_SCHEMA`."""
    world = corpus.world
    rows = []
    for query, found in zip(queries, certificates(world, corpus, queries), strict=True):
        outcomes = [exposed for exposed in found.exposure if exposed.entity in world.outcomes]
        alone = _answering(world, query)
        rows.append(
            {
                "seed": seed,
                "corpus": corpus.source.name,
                "query_id": query.query_id,
                "stated": found.stated,
                "routes": list(found.routes),
                "hops": found.hops,
                "support": support(world, query, found),
                "support_facts": sum(
                    not ((fact.relation, fact.fact) in alone and query.category.startswith(fact.direction)) for fact in found.support
                ),
                "cut_cost": found.cut_cost,
                "exposure": sum(exposed.statements for exposed in outcomes),
                "exposure_in_chains": sum(exposed.in_whole_chains for exposed in outcomes),
            }
        )
    return pa.Table.from_pylist(rows, schema=CERTIFICATES_SCHEMA)


def support(world: World, query: Query, found: Certificate) -> int:
    """Return how well the best-written derivation of an answer is supported: 0 exactly where no route is open.

    A derivation is a whole-chain statement read backwards or a co-occurrence, which is one link, or a join, which has one for each local
    step. A link is as strong as the number of statements that tell it, in any words and in either direction; a derivation is as strong as
    its weakest link; the support is the strength of the strongest derivation. Statements of the answer itself, in the query's direction,
    do not count.
    """
    alone = _answering(world, query)
    told: Counter[Link] = Counter()
    strengths = [0]
    for fact in found.support:
        if (fact.relation, fact.fact) not in alone:
            told.update(dict.fromkeys(links(world.facts(fact.relation)[fact.fact].tolist()), fact.count))
        elif not query.category.startswith(fact.direction):
            strengths.append(fact.count)
    if len(world.mediators):
        strengths += [min(told[link] for link in links(row)) for row in alone.values()]
    return max(strengths)


def links(row: Sequence[int]) -> list[Link]:
    """Return the local links that a fact tells.

    Args:
        row: entities in the slots of `World.slots`, -1 where empty: two places a layer, from the compounds on, and the outcome.
    """
    *causes, outcome = row
    found: list[Link] = [(cause, effect) for cause, effect in zip(causes, causes[2:], strict=False) if cause >= 0 and effect >= 0]
    if outcome >= 0 and min(causes[-2:]) >= 0:
        found.append((*sorted(causes[-2:]), outcome))
    return found


def _answering(world: World, query: Query) -> dict[tuple[str, int], list[int]]:
    """Return the whole-chain facts that answer a query, by relation and row."""
    found = {}
    for relation in world.whole_chain_relations:
        facts = world.facts(relation)
        if query.category.startswith("reverse"):
            chosen = facts[:, -1] == query.given[0]
        else:
            given = np.array(sorted((*query.given, -1)[:2]))
            chosen = (np.sort(facts[:, :2], axis=1) == given).all(axis=1)
        found.update({(relation, row): facts[row].tolist() for row in np.flatnonzero(chosen).tolist()})
    return found


def join_certificates(outcomes: pa.Table, certificates: pa.Table, corpora: Mapping[str, str]) -> pa.Table:
    """Return judged completions with the certificate columns of their query on the corpus of their condition.

    Args:
        outcomes: a table with seed, condition and query_id.
        certificates: a table of `CERTIFICATES_SCHEMA`, of any number of seeds and corpora.
        corpora: the name of the corpus on which each condition is pretrained.

    Returns:
        The table with the columns of `CERTIFICATE_FIELDS` behind its own; null where a certificate is missing.
    """
    place = {
        key: row for row, key in enumerate(zip(*(certificates[name].to_pylist() for name in ("seed", "corpus", "query_id")), strict=True))
    }
    seeds, conditions, queries = (outcomes[name].to_pylist() for name in ("seed", "condition", "query_id"))
    rows = [place.get((seed, corpora.get(name, ""), query)) for seed, name, query in zip(seeds, conditions, queries, strict=True)]
    names = [field.name for field in CERTIFICATE_FIELDS]
    joined = certificates.select(names).take(pa.array(rows, pa.int64()))
    return pa.table(dict(chain(zip(outcomes.column_names, outcomes.columns, strict=True), zip(names, joined.columns, strict=True))))
