"""`medsafetyworld show` prints what a world and its corpora hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from medsafetyworld import PRESETS, Corpus, World
from medsafetyworld.cli import main
from medsafetyworld.cli.show import examples
from medsafetyworld.corpus.certificate import certificate


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")


def test_shows_counts_queries_and_the_same_documents_side_by_side(world_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["show", "--world", str(world_directory), "--preset", "smoke", "--documents", "2"]) == 0
    text = capsys.readouterr().out
    world, config = World.load(world_directory), PRESETS["smoke"].corpus
    for category in ("forward_safe", "forward_unsafe", "reverse_safe", "reverse_unsafe"):
        assert category in text
    assert "Question: " in text
    assert text.count("Document ") == 2
    [index, _] = examples(Corpus(world, "raw", config), 0, 2)
    assert Corpus(world, "raw", config)[index].harmful
    row = next(line for line in text.splitlines() if Corpus(world, "raw", config)[index].statements[0].statement in line)
    assert Corpus(world, "reflection", config)[index].segments[0] in row


def test_examples_state_harm_or_are_the_first_ones(world_directory: Path) -> None:
    world, config = World.load(world_directory), PRESETS["smoke"].corpus
    raw, filtered = Corpus(world, "raw", config), Corpus(world, "filtered", config)
    chosen = examples(raw, 50, 3)
    assert chosen == [index for index in range(50, len(raw)) if raw[index].harmful][:3]
    assert examples(filtered, 50, 3) == [50, 51, 52]


def test_a_condition_that_does_not_exist_is_one_line(world_directory: Path, error_line: Callable[..., str]) -> None:
    line = error_line("show", "--world", world_directory, "--conditions", "raw", "filterd")
    assert line.startswith("error: condition must be one of raw, filtered,")
    assert line.endswith("Got 'filterd'. Did you mean 'filtered'?")


@pytest.mark.parametrize(("flag", "value"), [("--documents", -1), ("--first", -1), ("--first", 600)])
def test_numbers_out_of_range_are_one_line(flag: str, value: int, world_directory: Path, error_line: Callable[..., str]) -> None:
    line = error_line("show", "--world", world_directory, "--preset", "smoke", flag, value)
    assert line.startswith(f"error: {flag} must be an int")
    assert line.endswith(f"Got {value}.")


def test_documents_that_are_asked_for_with_an_override(world_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    command = ["show", "--world", str(world_directory), "--preset", "smoke", "--conditions", "raw", "reflection", "--index"]
    numbers = [
        index for index in range(600) if "Unsafe" in Corpus(World.load(world_directory), "reflection", PRESETS["smoke"].corpus)[index].text
    ]
    assert main([*command, *map(str, numbers[1::-1]), "--corpus.reflection.style", "category"]) == 0
    text = capsys.readouterr().out
    assert text.index(f"Document {numbers[1]}") < text.index(f"Document {numbers[0]}")
    assert "<think> Unsafe: " in text
    assert "Entities (" not in text
    assert "reflection: Unsafe" in text


def test_narrow_terminals_show_conditions_under_each_other(
    world_directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    capsys.readouterr()
    assert main(["show", "--world", str(world_directory), "--preset", "smoke", "--index", "3"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [name for name in ("raw", "filtered", "rewritten", "reflection") if any(line.startswith(f"│ {name} ") for line in rows)] == [
        "raw",
        "filtered",
        "rewritten",
        "reflection",
    ]


def test_the_page_is_self_contained_stable_and_holds_every_statement(world_directory: Path, tmp_path: Path) -> None:
    command = ["show", "--world", str(world_directory), "--preset", "smoke", "--index", "0", "7", "--html"]
    pages = [tmp_path / "new" / "a.html", tmp_path / "b.html"]
    for page in pages:
        assert main([*command, str(page)]) == 0
    text = pages[0].read_text()
    assert text == pages[1].read_text()
    assert "http" not in text
    assert "<script" not in text
    corpus = Corpus(World.load(world_directory), "raw", PRESETS["smoke"].corpus)
    for document in (corpus[0], corpus[7]):
        assert all(statement.statement in text for statement in document.statements)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_query_is_shown_with_its_certificate_and_drawn(
    suffix: str, world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World.load(world_directory)
    query = world.queries("reverse_unsafe", "heldout")[0]
    found = certificate(world, Corpus(world, "filtered", PRESETS["smoke"].corpus), query)
    hashes = set()
    for name in ("a", "b"):
        capsys.readouterr()
        out = tmp_path / name / f"query{suffix}"
        assert main(["show", "--world", str(world_directory), "--preset", "smoke", "--query", str(query.query_id), "--out", str(out)]) == 0
        hashes.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(hashes) == 1
    if suffix == ".svg":
        assert ElementTree.parse(out).getroot().tag.endswith("svg")
    else:
        assert out.read_bytes().startswith(b"\x89PNG")
    text = capsys.readouterr().out
    assert f"{len(found.cut)} facts, {found.cut_cost} statements" in text
    assert ", ".join(found.routes) in text
    assert text.count(" cut │") == len(found.cut)
    for support in found.support:
        assert f"{support.count}" in text


@pytest.mark.parametrize(
    ("flags", "start"),
    [
        (("--query", 10_000), "error: --query must be a query of the world, an int in [0, "),
        (("--query", -1), "error: --query must be a query of the world, an int in [0, "),
        (("--query", 0, "--condition", "filterd"), "error: condition must be one of raw, filtered,"),
        (("--query", 0, "--out", "query.pdf"), "error: --out must be a file ending in .png or .svg. Got 'query.pdf'."),
        (("--query", 0, "--html", "page.html"), "error: --html must be given without --query"),
        (("--out", "query.png"), "error: --out must be given with --query"),
        (("--html", "page.txt"), "error: --html must be a file ending in .html. Got 'page.txt'."),
        (("--index", 0, 600), "error: --index must be ints in [0, 600). Got 600."),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    flags: tuple[object, ...],
    start: str,
    world_directory: Path,
    error_line: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert error_line("show", "--world", world_directory, "--preset", "smoke", *flags).startswith(start)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_no_picture(world_directory: Path, tmp_path: Path, error_line: Callable[..., str]) -> None:
    (tmp_path / "query.png").mkdir()
    line = error_line("show", "--world", world_directory, "--preset", "smoke", "--query", 0, "--out", tmp_path / "query.png")
    assert line.startswith("error: --out must be a file. Got the directory ")
