from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld import World
from medsafetyworld.testing import completions, queries, worlds
from medsafetyworld.world.mentions import Mention, Mentions

NAMES = ["velmoquent", "acute nausea", "mild dermal rashes", "mild"]
MENTIONS = Mentions(NAMES)


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("velmoquent", [0]),
        ("Velmoquent and ACUTE Nausea.", [0, 1]),
        ("acute\n\t nausea", [1]),
        ("acute, nausea", []),
        ("acute-nausea", []),
        ("acute nauseas", []),
        ("velmoquent2 velmoquent_ xvelmoquent velmoquenté", []),
        ("pre-velmoquent's", [0]),
        ("<think>velmoquent</think>", [0]),
        ("mild dermal rashes", [2]),
        ("mild dermal", [3]),
        ("mild mild dermal rashes acute acute nausea", [3, 2, 1]),
        ("", []),
        ("velmoquent velmoquent", [0, 0]),
    ],
)
def test_names_count_where_they_stand_whole(text: str, entities: list[int]) -> None:
    assert [mention.entity for mention in MENTIONS.find(text)] == entities


def test_places_are_places_in_the_text() -> None:
    text = "On  Acute   Nausea: velmoquent."
    assert MENTIONS.find(text) == [Mention(1, 4, 18), Mention(0, 20, 30)]
    assert text[4:18] == "Acute   Nausea"


@given(worlds(), st.data())
def test_constructed_completions_are_read_exactly(world: World, data: st.DataObject) -> None:
    completion = data.draw(completions(world, data.draw(queries(world))))
    assert Mentions(world.names).find(completion.text) == list(completion.mentions)


@given(st.text(), st.text())
def test_any_text_can_be_read(before: str, after: str) -> None:
    found = [mention.entity for mention in MENTIONS.find(f"{before} velmoquent {after}")]
    assert 0 in found
