from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from medsafetyworld.corpus import Corpus
from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.real_names import name_collisions, real_drug_names, resembling, word_collisions
from medsafetyworld.world import World
from medsafetyworld.world.names import draw_names
from tests.corpus.audit.planting import DOCUMENTS, Row, look

FIXTURE = Path(__file__).parents[2] / "fixtures" / "real_drug_names.txt"


def test_the_list_holds_what_it_says() -> None:
    real = real_drug_names()
    assert len(real) > 6_000
    assert all(name.isalpha() and name == name.lower() and len(name) >= 5 for name in real)
    assert {line for line in FIXTURE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")} <= real


def test_names_one_edit_apart_resemble_each_other() -> None:
    real = ["ibuprofen"]
    for name in ("ibuprofen", "ibuprofin", "ibuprofe", "buprofen", "ibuprofenx", "iibuprofen", "ibupprofen"):
        assert resembling([name], real) == [(name, "ibuprofen")]
    for name in ("ibuprofxx", "ibupofren", "ibuprof", "xibuprofenx", "velmoraxil"):
        assert resembling([name], real) == []


def test_the_names_of_our_worlds_collide_with_none(filtered: Evidence) -> None:
    assert name_collisions(filtered).passed
    assert word_collisions(filtered).passed
    assert resembling(draw_names(0, "compound", 20_000).tolist(), real_drug_names()) == []


def test_a_compound_that_resembles_a_drug_is_found(world: World) -> None:
    names = world.names.copy()
    names[3], names[world.outcomes.start] = "ibuprofin", "mild aspirin"
    flawed = replace(world, names=names)
    finding = name_collisions(look(flawed, Corpus(flawed, "filtered", DOCUMENTS)))
    assert (finding.statistic, finding.passed) == (2.0, False)
    assert "'ibuprofin' resembles 'ibuprofen'" in finding.detail


def test_a_drug_in_the_text_is_found(world: World, edited: Callable[..., Path]) -> None:
    def prescribe(rows: list[Row]) -> list[Row]:
        rows[5]["text"] += " Patients took Ibuprofen."
        return rows

    finding = word_collisions(look(world, edited(prescribe)))
    assert (finding.statistic, finding.passed) == (1.0, False)
    assert "'ibuprofen', 1 times" in finding.detail
