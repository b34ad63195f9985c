"""Tables about a world, for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from rich.table import Table

from medsafetyworld.world import World


def world_tables(world: World) -> Iterator[Table]:
    """Yield the counts of a world: entities, facts, and queries by category, split and arm."""
    yield _entities(world)
    yield _facts(world)
    yield _queries(world)


def _entities(world: World) -> Table:
    hops = f", {world.hops} hops" if world.hops > 2 else ""
    table = Table("kind", "entities", "unsafe", "held out", title=f"Entities ({world.config.task}{hops}, seed {world.config.seed})")
    layers = enumerate(world.mediator_layers, 1)
    mediators = [(f"mediator, layer {number}" if world.hops > 2 else "mediator", layer) for number, layer in layers]
    for kind, ids in (("compound", world.compounds), *mediators, ("outcome", world.outcomes)):
        if len(ids):
            members = np.asarray(ids)
            unsafe, heldout = int(world.unsafe[members].sum()), int(world.heldout[members].sum())
            table.add_row(kind, f"{len(ids):,}", f"{unsafe:,}" if kind == "outcome" else "", f"{heldout:,}" if kind == "outcome" else "")
    return table


def _facts(world: World) -> Table:
    table = Table("relation", "facts", "directions", title="Facts")
    for relation in world.relations:
        table.add_row(relation, f"{len(world.facts(relation)):,}", ", ".join(world.directions(relation)))
    return table


def _queries(world: World) -> Table:
    table = Table("category", "split", "arm", "queries", title="Queries")
    counts = Counter((query.category, query.split, query.arm) for query in world.queries())
    for (category, split, arm), count in sorted(counts.items()):
        table.add_row(category, split, arm, f"{count:,}")
    return table
