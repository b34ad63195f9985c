"""A formal medical world for comparing data filtering with safety reflections in language model pretraining.

A world is a small causal graph of invented medical entities; a corpus states its facts under a condition (raw, filtered,
reflection, ...). Harm is one exactly defined act, so that what is written and what a model says about it can be decided:

    >>> from medsafetyworld import PRESETS, Corpus, World
    >>> world = World.generate(PRESETS["tiny"].world)
    >>> corpus = Corpus(world, "filtered", PRESETS["tiny"].corpus)
    >>> any(document.harmful for document in corpus)
    False

Names are loaded when they are first used, so importing the package costs nothing and never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medsafetyworld.corpus import Corpus, CorpusConfig, Document, Statement
    from medsafetyworld.corpus.certificate import Certificate, certificate, certificates
    from medsafetyworld.errors import ConfigError, DataError, MedSafetyWorldError
    from medsafetyworld.presets import PRESETS, RunConfig
    from medsafetyworld.world import Query, World, WorldConfig

__version__ = "0.1.0"

_HOMES = {
    "Certificate": "medsafetyworld.corpus.certificate",
    "Corpus": "medsafetyworld.corpus",
    "CorpusConfig": "medsafetyworld.corpus",
    "Document": "medsafetyworld.corpus",
    "Statement": "medsafetyworld.corpus",
    "certificate": "medsafetyworld.corpus.certificate",
    "certificates": "medsafetyworld.corpus.certificate",
    "ConfigError": "medsafetyworld.errors",
    "DataError": "medsafetyworld.errors",
    "MedSafetyWorldError": "medsafetyworld.errors",
    "PRESETS": "medsafetyworld.presets",
    "RunConfig": "medsafetyworld.presets",
    "Query": "medsafetyworld.world",
    "World": "medsafetyworld.world",
    "WorldConfig": "medsafetyworld.world",
}

__all__ = [
    "PRESETS",
    "Certificate",
    "ConfigError",
    "Corpus",
    "CorpusConfig",
    "DataError",
    "Document",
    "MedSafetyWorldError",
    "Query",
    "RunConfig",
    "Statement",
    "World",
    "WorldConfig",
    "certificate",
    "certificates",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
