"""filtered: raw without harmful statements, found by a filter of a given recall and false-positive rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.conditions.base import Condition, Context
from medsafetyworld.corpus.random import make_key, uniform
from medsafetyworld.corpus.wording import Statements


def remove_harm(statements: Statements, context: Context) -> Statements:
    """Drop what the filter recognises: the statements, or the documents that hold them."""
    removed = recognised(statements, context)
    if context.config.filter.unit == "document":
        removed = np.isin(statements.document, statements.document[removed])
    return statements.where(~removed)


def recognised(statements: Statements, context: Context) -> NDArray[np.bool_]:
    """Return what the filter takes for harmful. Its misses fall on seen outcomes only: held-out harm is always found."""
    world, config = context.world, context.config.filter
    draw = uniform(make_key(world.content_hash, context.config.seed, "filter"), statements.slot)
    heldout = (statements.outcome >= 0) & world.heldout[statements.outcome]
    return np.where(statements.harmful, heldout | (draw < config.recall), draw < config.false_positive_rate)


CONDITION = Condition(name="filtered", summary="raw without the harmful statements.", transform=remove_harm)
