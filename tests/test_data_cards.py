"""What the data cards claim and a program can check is so."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest

from medsafetyworld.corpus.card import COLUMNS
from medsafetyworld.corpus.columns import SCHEMA
from medsafetyworld.corpus.conditions.registry import condition, condition_names
from medsafetyworld.world import safety
from medsafetyworld.world.config import ARMS, TASKS
from medsafetyworld.world.schema import HOPS, relations
from medsafetyworld.world.splits import SPLITS
from medsafetyworld.world.storage import QUERIES

FOLDER = Path(__file__).resolve().parents[1] / "data_cards"
ASKED = ("Motivation", "Composition", "How it is made", "Uses", "Limits", "Licence", "Safety considerations")


def card(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text()


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table whose first column is called `heading`."""
    _, _, rest = text.partition(f"| {heading} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def type_name(kind: pa.DataType) -> str:
    return f"list of {type_name(kind.value_type)}" if pa.types.is_list(kind) else str(kind)


def columns(text: str) -> list[tuple[str, str]]:
    return [(name.strip("`"), kind) for name, kind, _ in rows(text, "column")]


def quoted(text: str, word: str) -> list[str]:
    """Return the names in backticks that follow `word` up to the end of its sentence."""
    [found] = re.findall(rf"{word}: ([^.]*)\.", text)
    return re.findall(r"`(\w+)`", found)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_a_card_answers_what_is_asked(path: Path) -> None:
    assert tuple(re.findall(r"^## (.*)$", path.read_text(), flags=re.MULTILINE)) == ASKED


def test_there_is_a_card_for_every_family() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*(f"{task}_corpora" for task in TASKS), "query_sets"}


@pytest.mark.parametrize("task", TASKS)
def test_columns_and_conditions_of_corpora(task: str) -> None:
    text = card(f"{task}_corpora")
    assert columns(text) == [(field.name, type_name(field.type)) for field in SCHEMA]
    assert [what for _, _, what in rows(text, "column")] == list(COLUMNS.values())
    listed = {name.strip("`"): (summary, same) for name, summary, same in rows(text, "condition")}
    assert tuple(listed) == condition_names()
    for name, (summary, same) in listed.items():
        method = condition(name)
        assert summary == method.summary
        assert same == ("" if method.corpus == name else f"the corpus of `{method.corpus}`")


@pytest.mark.parametrize("task", TASKS)
def test_relations_directions_and_arms_of_a_task(task: str) -> None:
    text = card(f"{task}_corpora")
    assert quoted(text, "Relations") == list(relations(task, HOPS[task][0]))
    deepest = relations(task, HOPS[task][1])
    assert all(f"`{relation}`" in text for relation in deepest)
    assert quoted(text, "Directions") == list(safety.DIRECTIONS[task])
    [arms] = re.findall(r"route arms that say.*?:(.*?)\n\n", text, flags=re.DOTALL)
    assert re.findall(r"`(\w+)` \(", arms) == list(ARMS[task])


def test_columns_categories_and_splits_of_queries() -> None:
    text = card("query_sets")
    assert columns(text) == [(field.name, type_name(field.type)) for field in QUERIES]
    assert quoted(text, "Categories") == list(safety.CATEGORIES)
    assert all(f"`{split}`" in text for split in SPLITS)


def test_commands_of_the_cards_parse() -> None:
    blocks = [block for path in FOLDER.glob("*.md") for block in re.findall(r"```sh\n(.*?)```", path.read_text(), flags=re.DOTALL)]
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert commands
    for program, name, *flags in commands:
        assert program == "medsafetyworld"
        import_module(f"medsafetyworld.cli.{name}").arguments(flags)
