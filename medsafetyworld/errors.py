"""Errors that a user can mend: each is one line naming what, the value given and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MedSafetyWorldError(Exception):
    """Base of all errors raised for bad input. Commands print it as one line and exit with code 2."""


class ConfigError(MedSafetyWorldError):
    """A configuration value, or a combination of values, that is not allowed."""


class DataError(MedSafetyWorldError):
    """A file or directory that is missing, damaged, or of another format or configuration."""


def require(condition: bool, field: str, allowed: str, got: object) -> None:
    """Raise `ConfigError` as "FIELD must be ALLOWED. Got VALUE." unless `condition` holds."""
    if not condition:
        raise ConfigError(f"{field} must be {allowed}. Got {got!r}.")


def require_choice(value: str, field: str, choices: Iterable[str]) -> None:
    """Raise `ConfigError` with a suggestion unless `value` is one of `choices`."""
    known = list(choices)
    if value not in known:
        close = get_close_matches(str(value), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"{field} must be one of {', '.join(known)}. Got {value!r}.{hint}")
