"""raw: all four categories of statements, as they are."""

from medsafetyworld.corpus.conditions.base import Condition

CONDITION = Condition(name="raw", summary="Every statement of the world, the harmful ones included.")
