"""The command `medsafetyworld`: one module a command, loaded when that command is run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from medsafetyworld.cli.guard import main_guard
from medsafetyworld.errors import ConfigError, require_choice

COMMANDS = {
    "world": "Draw a world of invented medical entities and save it.",
    "corpus": "Write a world down under a condition, as parquet shards.",
    "card": "Write one data card for corpora that lie beside each other.",
    "audit": "Look for shortcuts, leaks and duplicates in a corpus.",
    "certify": "Prove what a written corpus states, and by which routes answers can be derived from it.",
    "show": "Look at a world: counts, splits, queries, and the same documents under each condition.",
    "train": "Pretrain and post-train one model under a condition.",
    "evaluate": "Attack a trained model and judge what it says.",
    "report": "Turn the tables of a run into results, comparisons, figures and one HTML file.",
}
USAGE = f"""usage: medsafetyworld COMMAND [FLAGS]

A formal medical world for comparing data filtering with safety reflections in language model pretraining.

commands:
{chr(10).join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())}

`medsafetyworld COMMAND --help` shows a command's flags and examples. A first tour:

  medsafetyworld world --preset tiny --out runs/world
  medsafetyworld show --world runs/world
  medsafetyworld train --preset smoke --condition filtered --out runs/filtered
  medsafetyworld evaluate --checkpoint runs/filtered
  medsafetyworld report --run runs/filtered

The whole comparison: python -m experiments.compare_filtering_vs_reflection --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `medsafetyworld`; returns the exit code: 0, 1 (a broken audit), 2 (bad input, one line on stderr), 130 (interrupted)."""
    return main_guard(lambda: _run(sys.argv[1:] if argv is None else list(argv)))


def _run(argv: Sequence[str]) -> int:
    if not argv:
        raise ConfigError(f"A command must be given: one of {', '.join(COMMANDS)}. Got none; --help explains them.")
    name, *rest = argv
    if name in ("-h", "--help"):
        print(USAGE)
        return 0
    if name == "--version":
        from medsafetyworld import __version__

        print(__version__)
        return 0
    require_choice(name, "The command", COMMANDS)
    code: int = import_module(f"medsafetyworld.cli.{name}").run(rest)
    return code
