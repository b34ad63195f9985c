"""What is written: statements of a world, rendered as documents, under a condition."""

from __future__ import annotations

from typing import Any

_HOMES = {
    "CorpusConfig": "medsafetyworld.corpus.config",
    "Corpus": "medsafetyworld.corpus.sequence",
    "Document": "medsafetyworld.corpus.documents",
    "Statement": "medsafetyworld.corpus.documents",
    "Condition": "medsafetyworld.corpus.conditions.base",
    "condition": "medsafetyworld.corpus.conditions.registry",
    "condition_names": "medsafetyworld.corpus.conditions.registry",
    "resolve": "medsafetyworld.corpus.conditions.registry",
    "library": "medsafetyworld.corpus.library",
    "certificate": "medsafetyworld.corpus.certificate",
    "Certificate": "medsafetyworld.corpus.certificate",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
