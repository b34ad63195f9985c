"""Corpora with a flaw planted, and what the audits say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus import Condition, Corpus, CorpusConfig
from medsafetyworld.corpus.audit.evidence import Evidence, gather
from medsafetyworld.corpus.audit.finding import Finding
from medsafetyworld.corpus.audit.separation import Features, separate
from medsafetyworld.corpus.audit.source import open_source
from medsafetyworld.corpus.conditions.base import Context
from medsafetyworld.corpus.wording import Statements
from medsafetyworld.world import World

DOCUMENTS = CorpusConfig(documents=3000)
FAMILY = 15
Row = dict[str, Any]


def take(statements: Statements, rows: NDArray[np.int64]) -> Statements:
    """Return the statements at `rows`, which may repeat."""
    return replace(statements, **{column.name: getattr(statements, column.name)[rows] for column in fields(statements)})


def is_unsafe(statements: Statements, context: Context) -> NDArray[np.bool_]:
    """Return which statements are facts about an unsafe outcome."""
    return (statements.outcome >= 0) & context.world.unsafe[statements.outcome] & (statements.type != context.table.code("hazard", "none"))


def planted(world: World, transform: Callable[[Statements, Context], Statements], name: str = "raw") -> Corpus:
    """Return a corpus under `name` whose statements went through `transform`."""
    return Corpus(world, Condition(name=name, summary="A flaw.", transform=transform), DOCUMENTS)


def look(world: World, corpus: Corpus | Path) -> Evidence:
    """Return what the audits see of a corpus."""
    return gather(world, open_source(world, corpus), 0, 10**6)


def told(world: World, features: Features) -> Finding:
    """Return the finding on some features, as strict as in a whole audit."""
    return separate([features], world.unsafe, 0, FAMILY)[0]
