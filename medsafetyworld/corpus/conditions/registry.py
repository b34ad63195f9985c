"""Finding conditions by name: the package's own, then those that installed packages offer as entry points.

A package adds a condition with an entry point of the group `medsafetyworld.conditions` that names a `Condition`.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from medsafetyworld.corpus.conditions import (
    filtered,
    filtered_plus,
    raw,
    reflection,
    reflection_pretrain_only,
    reflection_sft_only,
    rewritten,
)
from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.errors import ConfigError, require_choice

ENTRY_POINT_GROUP = "medsafetyworld.conditions"
BUILT_IN: dict[str, Condition] = {
    module.CONDITION.name: module.CONDITION
    for module in (raw, filtered, filtered_plus, rewritten, reflection, reflection_sft_only, reflection_pretrain_only)
}


def condition(name: str) -> Condition:
    """Return the condition called `name`; raises `ConfigError` with a suggestion and the list for an unknown one."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    require_choice(name, "condition", condition_names())
    return _load(name)


def condition_names() -> tuple[str, ...]:
    """Return the names of all conditions, the package's own first."""
    return (*BUILT_IN, *_offered())


def resolve(condition: Condition, config: CorpusConfig) -> CorpusConfig:
    """Return `config` with the condition's own values in it; resolving twice changes nothing more."""
    for path, value in condition.overrides.items():
        config = _replaced(config, path, path.split("."), value)
    return config


@lru_cache(maxsize=1)
def _offered() -> dict[str, EntryPoint]:
    """Return installed entry points by name. A second owner of a name is refused."""
    offered: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: (point.name, point.value)):
        owner = offered.get(point.name)
        if point.name in BUILT_IN or (owner is not None and owner.value != point.value):
            other = "the package itself" if owner is None else owner.value
            raise ConfigError(f"condition {point.name!r} must have one owner. Got {point.value} and {other}.")
        offered[point.name] = point
    return offered


@cache
def _load(name: str) -> Condition:
    found = _offered()[name].load()
    if not isinstance(found, Condition) or found.name != name:
        raise ConfigError(f"entry point {name!r} of {ENTRY_POINT_GROUP} must name the Condition {name!r}. Got {found!r}.")
    return found


def _replaced(config: Any, path: str, steps: list[str], value: object) -> Any:
    head, rest = steps[0], steps[1:]
    if not is_dataclass(config) or head not in {column.name for column in fields(config)}:
        raise ConfigError(f"an override must name a field of CorpusConfig. Got {path!r}.")
    return replace(config, **{head: _replaced(getattr(config, head), path, rest, value) if rest else value})  # type: ignore[type-var]
