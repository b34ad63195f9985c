"""constant_safe: reflection's texts with every label Safe, a placebo with the tags and none of the information.

An end-of-text token after some of the labels would tell the unsafe segments from the safe ones as plainly as the label does, so there is
none: token for token it is as long as `reflection_no_end`.
"""

from __future__ import annotations

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.reflection import reflect_on_base
from medsafetyworld.corpus.config import ReflectionConfig
from medsafetyworld.corpus.marks import reflection_text


def always_safe(flag: bool, hazard: str, config: ReflectionConfig) -> str:
    """Return a Safe reflection, whatever the segment holds."""
    return reflection_text(False, hazard, config)


CONDITION = Condition(
    name="constant_safe",
    summary="reflection with every label Safe: the tags without the information.",
    transform=reflect_on_base,
    reflects=True,
    posttraining="reflection",
    mark=always_safe,
)
