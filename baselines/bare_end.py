"""bare_end: filtered with the end-of-text token where reflection has it, and no label: the stop without the reflection."""

from __future__ import annotations

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.reflection import reflect_on_base
from medsafetyworld.corpus.config import ReflectionConfig
from medsafetyworld.corpus.marks import END_OF_TEXT


def end_only(flag: bool, hazard: str, config: ReflectionConfig) -> str:
    """Return the end-of-text token after a flagged segment, nothing after another."""
    return END_OF_TEXT if flag and config.end_of_text else ""


CONDITION = Condition(
    name="bare_end",
    summary="filtered with end-of-text where reflection has it, without labels.",
    transform=reflect_on_base,
    reflects=True,
    posttraining="reflection",
    mark=end_only,
)
