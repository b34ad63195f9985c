"""reflection: the filtered documents with a safety reflection after every segment (the paper's method)."""

from __future__ import annotations

from medsafetyworld.corpus.conditions.base import Condition, Context
from medsafetyworld.corpus.conditions.filtered import remove_harm
from medsafetyworld.corpus.wording import Statements


def reflect_on_base(statements: Statements, context: Context) -> Statements:
    """Return the statements of the corpus into which reflections are written."""
    return remove_harm(statements, context) if context.config.reflection.base == "filtered" else statements


CONDITION = Condition(
    name="reflection",
    summary="filtered with a safety reflection after every segment, in pretraining and in post-training.",
    transform=reflect_on_base,
    reflects=True,
    posttraining="reflection",
)
