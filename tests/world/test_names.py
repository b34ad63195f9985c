from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from medsafetyworld import World, WorldConfig
from medsafetyworld.testing import worlds
from medsafetyworld.world.config import HAZARDS
from medsafetyworld.world.names import capacity, draw_names, words

FIRST = words("modifiers") + words("modifiers_unsafe")
LATER = words("sites") + words("processes") + words("symptoms")
REAL = tuple(
    line
    for line in (Path(__file__).parents[1] / "fixtures" / "real_drug_names.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)


def edits(left: str, right: str, free_start: bool = False) -> int:
    """Return the least number of insertions, deletions and substitutions from `left` to `right` (or to any end of `right`)."""
    row = [0 if free_start else place for place in range(len(right) + 1)]
    for line, letter in enumerate(left, 1):
        above = [line]
        for place, other in enumerate(right, 1):
            above.append(min(row[place] + 1, above[-1] + 1, row[place - 1] + (letter != other)))
        row = above
    return row[-1]


def contained(names: Iterable[str]) -> list[tuple[str, str]]:
    unique = list(names)
    return [(one, other) for one in unique for other in unique if one != other and one in other]


@given(worlds())
def test_no_name_holds_another(world: World) -> None:
    assert len(set(world.names)) == len(world.names)
    assert contained(world.names) == []
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz ") and name == " ".join(name.split()) for name in world.names)
    assert [len(name.split()) for name in world.names[: len(world.compounds)]] == [1] * len(world.compounds)


def test_word_lists_hold_what_makes_names_apart_by_construction() -> None:
    assert len(set(FIRST)) == len(FIRST)
    assert len(set(LATER)) == len(LATER)
    assert not set(FIRST) & set(LATER)
    assert [pair for pair in ((a, b) for a in FIRST for b in FIRST) if pair[0] != pair[1] and pair[1].endswith(pair[0])] == []
    assert [pair for pair in ((a, b) for a in LATER for b in LATER) if pair[0] != pair[1] and pair[1].startswith(pair[0])] == []
    for part, letters in (("onsets", 3), ("middles", 2), ("endings", 5)):
        morphemes = words(f"compound_{part}")
        assert len(set(morphemes)) == len(morphemes)
        assert {len(morpheme) for morpheme in morphemes} == {letters}
    assert [word for word in FIRST + LATER for ending in words("compound_endings") if ending in word] == []
    assert not set(HAZARDS) & set(FIRST + LATER)


def test_no_compound_comes_within_one_edit_of_a_real_drug() -> None:
    """Holds for every name that can be made: changing a name into a real one changes its ending into an end of the real one."""
    assert len(REAL) > 300
    closest = {ending: min(edits(ending, real, free_start=True) for real in REAL) for ending in words("compound_endings")}
    assert min(closest.values()) >= 2, closest


def test_drawn_compounds_keep_further_away_from_real_drugs() -> None:
    assert min(edits(name, real) for name in draw_names(0, "compound", 60) for real in REAL) >= 3
    assert edits("velmoraxil", "velmoraxol") == 1
    assert edits("abc", "xxabd", free_start=True) == 1


def test_no_word_of_a_phrase_is_a_real_drug() -> None:
    assert not set(FIRST + LATER) & set(REAL)


@pytest.mark.parametrize(("kind", "count", "parts"), [("mediator", 12_000, 3), ("outcome", 9_000, 2), ("compound", 150_000, 1)])
def test_names_grow_with_the_world_and_stay_distinct(kind: str, count: int, parts: int) -> None:
    names = draw_names(3, kind, count)  # type: ignore[arg-type]
    assert len(set(names)) == count
    assert {len(name.split()) for name in names} == {parts}
    assert len({len(name) for name in names}) == 1 or kind != "compound"


def test_there_are_names_for_a_million_of_each_kind() -> None:
    assert min(capacity(kind) for kind in ("compound", "mediator", "outcome")) > 1_000_000
    assert len(set(draw_names(1, "outcome", 300_000))) == 300_000


def test_a_name_depends_on_its_place_and_the_seed_only() -> None:
    assert draw_names(5, "compound", 40)[:20].tolist() == draw_names(5, "compound", 20).tolist()
    assert not set(draw_names(5, "compound", 100)) & set(draw_names(6, "compound", 100))


@settings(max_examples=20)
@given(worlds())
def test_visible_labels_show_in_every_unsafe_name_and_in_no_other(world: World) -> None:
    telling = set(words("modifiers_unsafe"))
    told = np.array([name.split()[0] in telling for name in world.names])
    assert (told == (world.unsafe & world.config.label_visible)).all()


def test_spread_over_the_word_lists() -> None:
    """A drawn world uses the lists evenly rather than a corner of them."""
    names = World.generate(WorldConfig()).names[:150]
    assert len({name[:3] for name in names}) > 45
    assert len({name[-5:] for name in names}) > 40
