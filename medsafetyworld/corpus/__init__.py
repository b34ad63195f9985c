"""What is written: statements of a world, rendered as documents, under a condition.

The function `certificate` is not among the names here, since its module has the same one: take it from `medsafetyworld`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medsafetyworld.corpus.certificate import Certificate, certificates
    from medsafetyworld.corpus.conditions.base import Condition
    from medsafetyworld.corpus.conditions.registry import condition, condition_names, resolve
    from medsafetyworld.corpus.config import CorpusConfig, FilterConfig, ReflectionConfig
    from medsafetyworld.corpus.documents import Document, Statement
    from medsafetyworld.corpus.sequence import Corpus

_HOMES = {
    "Certificate": "certificate",
    "certificates": "certificate",
    "Condition": "conditions.base",
    "condition": "conditions.registry",
    "condition_names": "conditions.registry",
    "resolve": "conditions.registry",
    "CorpusConfig": "config",
    "FilterConfig": "config",
    "ReflectionConfig": "config",
    "Document": "documents",
    "Statement": "documents",
    "Corpus": "sequence",
}

__all__ = [
    "Certificate",
    "Condition",
    "Corpus",
    "CorpusConfig",
    "Document",
    "FilterConfig",
    "ReflectionConfig",
    "Statement",
    "certificates",
    "condition",
    "condition_names",
    "resolve",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
