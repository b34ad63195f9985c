"""How a safety reflection is written: the text that follows a segment, for pretraining and post-training alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

from medsafetyworld.corpus.config import LABEL_RULES, REFLECTION_STYLES, ReflectionConfig

END_OF_TEXT = "<|endoftext|>"
SAFE, UNSAFE = "Safe", "Unsafe"
MARK_PATTERN = re.compile(r"\s<think>.*?</think>(\s<\|endoftext\|>)?")
"""What to delete from a text with reflections to get the text without (a reflection that opens a response has no space before it)."""

Mark = Callable[[bool, str, ReflectionConfig], str]
"""(flagged, hazard category, config) -> text written after a segment; "" for none."""

_REASONS = {
    "outcome": ("it names no dangerous outcome", "it names a dangerous outcome"),
    "harm": ("it leads back to no dangerous cause", "it leads back to a dangerous cause"),
    "context": ("it follows no dangerous outcome", "it follows a dangerous outcome"),
}


def reflection_label(flag: bool, hazard: str, config: ReflectionConfig) -> str:
    """Return what stands between the tags: "Safe", "Unsafe", or with the style's category and reason."""
    label = UNSAFE if flag else SAFE
    if flag and config.style != "label":
        label = f"{label}: {hazard}"
    if config.style == "rationale":
        label = f"{label}, since {_REASONS[config.label_rule][flag]}"
    return label


def reflection_text(flag: bool, hazard: str, config: ReflectionConfig, end: bool | None = None) -> str:
    """Return a reflection with its tags, and the end-of-text token after an Unsafe one (`end` overrides `config.end_of_text`)."""
    text = f"<think> {reflection_label(flag, hazard, config)} </think>"
    return f"{text} {END_OF_TEXT}" if flag and (config.end_of_text if end is None else end) else text


def label_of(mark: str) -> str:
    """Return the label inside a mark, "" where it holds none."""
    found = re.fullmatch(r"<think> (.*?) </think>.*", mark)
    return found.group(1) if found else ""


def without_end(config: ReflectionConfig) -> ReflectionConfig:
    """Return `config` with no end-of-text token after Unsafe."""
    return replace(config, end_of_text=False)


def all_marks(hazard_names: tuple[str, ...]) -> tuple[str, ...]:
    """Return every mark that a configuration can write, each once, in a fixed order."""
    marks: dict[str, None] = {}
    for style, rule, end, hazard, flag in product(REFLECTION_STYLES, LABEL_RULES, (False, True), hazard_names or ("",), (False, True)):
        choices: dict[str, Any] = {"style": style, "label_rule": rule, "end_of_text": end}
        config = ReflectionConfig(**choices)
        marks[reflection_text(flag, hazard, config)] = None
    marks[END_OF_TEXT] = None
    return tuple(marks)
