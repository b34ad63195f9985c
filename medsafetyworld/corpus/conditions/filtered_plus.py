"""filtered_plus: no statement that names an unsafe outcome, so a model cannot even have learned their names."""

from __future__ import annotations

from medsafetyworld.corpus.conditions.base import Condition, Context
from medsafetyworld.corpus.wording import Statements


def remove_unsafe(statements: Statements, context: Context) -> Statements:
    """Drop every statement about an unsafe outcome, harmful or not."""
    names_unsafe = (statements.outcome >= 0) & context.world.unsafe[statements.outcome]
    return statements.where(~names_unsafe)


CONDITION = Condition(name="filtered_plus", summary="raw without any statement that names an unsafe outcome.", transform=remove_unsafe)
