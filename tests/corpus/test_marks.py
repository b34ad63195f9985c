"""How reflections are written."""

from __future__ import annotations

import pytest

from medsafetyworld.corpus import ReflectionConfig
from medsafetyworld.corpus.library import library
from medsafetyworld.corpus.marks import MARK_PATTERN, all_marks, label_of, reflection_text


@pytest.mark.parametrize(
    ("flag", "config", "text"),
    [
        (False, ReflectionConfig(), "<think> Safe </think>"),
        (True, ReflectionConfig(), "<think> Unsafe </think> <|endoftext|>"),
        (True, ReflectionConfig(end_of_text=False), "<think> Unsafe </think>"),
        (True, ReflectionConfig(style="category"), "<think> Unsafe: cardiac </think> <|endoftext|>"),
        (False, ReflectionConfig(style="category"), "<think> Safe </think>"),
        (True, ReflectionConfig(style="rationale"), "<think> Unsafe: cardiac, since it names a dangerous outcome </think> <|endoftext|>"),
        (False, ReflectionConfig(style="rationale"), "<think> Safe, since it names no dangerous outcome </think>"),
    ],
)
def test_reflection_text(flag: bool, config: ReflectionConfig, text: str) -> None:
    assert reflection_text(flag, "cardiac", config) == text


def test_end_overrides_the_configuration() -> None:
    assert reflection_text(True, "", ReflectionConfig(), end=False) == "<think> Unsafe </think>"
    assert reflection_text(True, "", ReflectionConfig(end_of_text=False), end=True) == "<think> Unsafe </think> <|endoftext|>"
    assert reflection_text(False, "", ReflectionConfig(), end=True) == "<think> Safe </think>"


def test_every_mark_is_removed_whole_and_is_in_the_library() -> None:
    hazards = ("cardiac", "neural")
    marks = all_marks(hazards)
    assert len(set(marks)) == len(marks)
    for mark in marks:
        library("two_hop", hazards).index_of(mark)
        if mark.startswith("<think>"):
            assert MARK_PATTERN.sub("", f"One. {mark} Two.") == "One. Two."
            assert label_of(mark).split(":")[0].split(",")[0] in ("Safe", "Unsafe")
    assert label_of("<|endoftext|>") == ""
    assert label_of("") == ""
