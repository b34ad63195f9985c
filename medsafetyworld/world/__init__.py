"""What is true: entities, facts, safety, splits and queries, as one immutable value."""

from medsafetyworld.world.config import WorldConfig
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

__all__ = ["Query", "World", "WorldConfig"]
