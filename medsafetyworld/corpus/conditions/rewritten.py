"""rewritten: raw with each harmful statement rewritten, as a warning that keeps the fact, or as a text that drops it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medsafetyworld.corpus.conditions.base import Condition, Context
from medsafetyworld.corpus.statements import CATEGORIES, HAZARD
from medsafetyworld.corpus.wording import Statements

_STATEMENT_GROUPS = {"refusal": "core.refusal.statement", "redacted": "core.redacted.statement"}


def rewrite_harm(statements: Statements, context: Context) -> Statements:
    """Reword harmful statements in the style of the configuration, core by core, so that framings and closings stay.

    `warning` (the paper's) calls the outcome dangerous and remains harmful. `refusal` and `redacted` name the outcome alone and thereby
    become statements about a hazard.
    """
    style, table, library = context.config.rewrite_style, context.table, context.library
    harmful = statements.harmful
    core = statements.core.copy()
    for code in np.unique(statements.type[harmful]):
        relation, direction = table.types[code]
        old = library.group(f"core.{relation}.{direction}")
        new = library.group(_STATEMENT_GROUPS.get(style, f"core.{relation}.warning"))
        chosen = harmful & (statements.type == code)
        core[chosen] += new.start - old.start
    if style == "warning":
        return replace(statements, core=core)

    hazard = table.code(*HAZARD)
    fillers = statements.fillers.copy()
    fillers[harmful, :-1] = -1
    return replace(
        statements,
        core=core,
        fillers=fillers,
        type=np.where(harmful, hazard, statements.type),
        fact=np.where(harmful, statements.outcome - context.world.outcomes[0], statements.fact),
        category=np.where(harmful, CATEGORIES.index("hazard_unsafe"), statements.category).astype(np.int8),
        harmful=np.zeros_like(harmful),
    )


CONDITION = Condition(name="rewritten", summary="raw with each harmful statement rewritten.", transform=rewrite_harm)
