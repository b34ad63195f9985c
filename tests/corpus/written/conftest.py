"""Sentences about the small worlds, written by hand."""

from __future__ import annotations

import pytest

from medsafetyworld.corpus.written.sentences import Reader
from medsafetyworld.world import World


@pytest.fixture(scope="session")
def readers(worlds: dict[str, World]) -> dict[str, Reader]:
    """A reader a task."""
    return {task: Reader(world) for task, world in worlds.items()}
