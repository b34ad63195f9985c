"""The flags of a dataclass, and what is wrong with a command line, told in one line before anything is parsed.

tyro turns the same dataclasses into values and help texts. It reports a mistake as a box of many lines; a mistake is found here
first, so that the line can say what was given and what is allowed.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from medsafetyworld.errors import ConfigError

NUMBER = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)
"""Tokens that start with a dash and are values all the same."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: its spelling, the type of its value (`bool`: it takes none), and whether it must be given."""

    name: str
    annotation: Any
    required: bool = False


def flags(cls: type, prefix: str = "") -> Iterator[Flag]:
    """Yield the flags of a dataclass, those of nested ones as `--outer.inner`."""
    hints = get_type_hints(cls)
    for field in fields(cls):
        name, annotation = f"{prefix}{field.name.replace('_', '-')}", hints[field.name]
        if is_dataclass(annotation):
            yield from flags(annotation, f"{name}.")  # type: ignore[arg-type]
            continue
        yield Flag(f"--{name}", annotation, field.default is MISSING and field.default_factory is MISSING)
        if annotation is bool:
            outer, dot, inner = name.rpartition(".")
            yield Flag(f"--{outer}{dot}no-{inner}", bool)


def check(argv: Sequence[str], known: Iterable[Flag], aliases: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the values of every flag in `argv`, by the flag's own spelling.

    Raises:
        ConfigError: an unknown or repeated flag, a value that does not fit, a missing value or a missing flag.
    """
    by_name = {flag.name: flag for flag in known}
    given: dict[str, list[str]] = {}
    position = 0
    while position < len(argv):
        token = argv[position]
        position += 1
        if not _is_flag(token):
            raise ConfigError(f"Expected a flag such as --preset before a value. Got {token!r}.")
        written, equals, attached = token.partition("=")
        name = aliases.get(written, _normal(written))
        if name not in by_name:
            raise ConfigError(_unknown(written, (*by_name, *aliases)))
        values = [attached] if equals else []
        while not equals and position < len(argv) and not _is_flag(argv[position]):
            values.append(argv[position])
            position += 1
        if name in given or _opposite(name) in given:
            raise ConfigError(f"{written} must be given once, and not with its opposite. Got it again: {' '.join([written, *values])!r}.")
        _check_values(written, by_name[name].annotation, values)
        given[name] = values
    for flag in by_name.values():
        if flag.required and flag.name not in given:
            raise ConfigError(f"{flag.name} must be given: {allowed(flag.annotation)}. Got no {flag.name}.")
    return given


def allowed(annotation: Any) -> str:
    """Return in words what values a flag of this type takes."""
    if annotation is bool:
        return "given without a value"
    return " or ".join(dict.fromkeys(_words(option) for option in _options(annotation)))


def _is_flag(token: str) -> bool:
    return len(token) > 1 and token.startswith("-") and not NUMBER.match(token)


def _normal(written: str) -> str:
    return written[:2] + written[2:].replace("_", "-")


def _opposite(name: str) -> str:
    head, dot, last = name[2:].rpartition(".")
    return f"--{head}{dot}{last[3:] if last.startswith('no-') else f'no-{last}'}"


def _unknown(written: str, names: Sequence[str]) -> str:
    close = get_close_matches(_normal(written), names, n=1)
    last = _normal(written).lstrip("-").rpartition(".")[2]
    close = close or [name for name in names if name.lstrip("-").rpartition(".")[2] == last]
    hint = f"Did you mean {close[0]}?" if close else "--help lists the flags."
    return f"Expected a known flag. Got {written!r}. {hint}"


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _words(option: Any) -> str:
    if get_origin(option) is Literal:
        return f"one of {', '.join(map(str, get_args(option)))}"
    if get_origin(option) is tuple:
        return f"one or more values, each {_words(get_args(option)[0])}"
    return {int: "an int", float: "a finite float", str: "a name", Path: "a path", type(None): "None"}[option]


def _fits(option: Any, values: Sequence[str]) -> bool:
    if get_origin(option) is tuple:
        return len(values) > 0 and all(_fits(get_args(option)[0], [value]) for value in values)
    if len(values) != 1:
        return False
    value = values[0]
    if get_origin(option) is Literal:
        return value in map(str, get_args(option))
    if option is type(None):
        return value == "None"
    if option in (int, float):
        try:
            return math.isfinite(option(value))
        except (ValueError, OverflowError):
            return option is int and _is_large_int(value)
    return value.strip() != "" and "\0" not in value


def _is_large_int(value: str) -> bool:
    """Whether `value` is an int beyond the floats, whose range is for the configuration to judge."""
    try:
        return int(value) != 0
    except ValueError:
        return False


def _check_values(written: str, annotation: Any, values: Sequence[str]) -> None:
    if len(values) == 0 if annotation is bool else any(_fits(option, values) for option in _options(annotation)):
        return
    choices = [str(choice) for option in _options(annotation) if get_origin(option) is Literal for choice in get_args(option)]
    close = get_close_matches(values[0], choices, n=1) if values else []
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"{written} must be {allowed(annotation)}. Got {_shown(values)}.{hint}")


def _shown(values: Sequence[str]) -> str:
    shown = ", ".join(repr(value) for value in values) or "no value"
    return shown if len(shown) <= 200 else f"{shown[:200]}..."
