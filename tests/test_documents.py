"""What the README and CONTRIBUTING say is what happens: their code runs, their commands parse, their paths exist."""

from __future__ import annotations

import re
import shlex
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest

from medsafetyworld import PRESETS, Corpus, World
from medsafetyworld.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]


def blocks(name: str, language: str) -> list[str]:
    """Return the fenced code blocks of a document in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(), flags=re.DOTALL)


def commands(name: str) -> list[list[str]]:
    """Return the shell commands of a document as tokens."""
    lines = "".join(blocks(name, "sh")).replace("\\\n", " ").splitlines()
    return [tokens for line in lines if (tokens := shlex.split(line, comments=True))]


def test_the_quickstart_prints_what_it_says() -> None:
    [code], [expected] = blocks("README.md", "python"), blocks("README.md", "text")
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == expected


def test_the_example_condition_does_what_it_says() -> None:
    [code] = blocks("CONTRIBUTING.md", "python")
    scope: dict[str, object] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), scope)
    preset = PRESETS["smoke"]
    world = World.generate(preset.world)

    def unsafe_chains(corpus: Corpus) -> int:
        chains = [s for document in corpus for s in document.statements if s.relation in world.whole_chain_relations]
        return sum(bool(world.unsafe[list(chain.entities)].any()) for chain in chains)

    assert unsafe_chains(Corpus(world, "filtered", preset.corpus)) > 0
    assert unsafe_chains(Corpus(world, scope["CONDITION"], preset.corpus)) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("tokens", commands("README.md"), ids=" ".join)
def test_the_commands_of_the_readme_parse(tokens: list[str]) -> None:
    if tokens[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert tokens[1] in targets
    elif tokens[:2] == ["python", "-m"]:
        from experiments.compare_filtering_vs_reflection import Compare
        from experiments.hops import Hops
        from medsafetyworld.cli.parse import parse

        commands = {"experiments.compare_filtering_vs_reflection": Compare, "experiments.hops": Hops}
        parse(commands[tokens[2]], tokens[3:], prog=tokens[2])
    elif tokens[0] == "medsafetyworld":
        assert tokens[1] in COMMANDS
        import_module(f"medsafetyworld.cli.{tokens[1]}").arguments(tokens[2:])
    else:
        assert tokens[:2] == ["pip", "install"]


def test_the_tree_of_the_readme_exists() -> None:
    [tree] = re.findall(r"```\n(medsafetyworld/.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    for line in tree.splitlines():
        name = line.split()[0]
        assert (ROOT / "medsafetyworld" / name if line.startswith("  ") else ROOT / name).exists(), line


def test_links_of_the_documents_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / name).read_text()):
            assert (ROOT / target).exists(), f"{name}: {target}"
