"""From a command line to a command's own values and a resolved run configuration.

A command is a frozen dataclass of its own flags. `parse` adds `--preset` and every field of the configuration as a flag
(`--world.unsafe-fraction 0.3`); the preset gives the values of those not named:

    command, preset, config = parse(Train, argv, prog="medsafetyworld train", description=__doc__)

Bad input raises `ConfigError`; `main_guard` prints it as one line and returns exit code 2.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import field, fields, make_dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import tyro

from medsafetyworld.cli.flags import Flag, check, flags
from medsafetyworld.cli.guard import main_guard
from medsafetyworld.errors import ConfigError
from medsafetyworld.presets import PRESETS, RunConfig, with_seed

__all__ = ["main_guard", "parse", "parse_command"]

Command = TypeVar("Command")

DEFAULT_PRESET = "tiny"
SECTIONS = tuple(part.name for part in fields(RunConfig))
ALIASES = {"--attacks": "--evaluation.attacks"}
"""Short spellings of configuration flags."""
SEED_FLAGS = ("--seed", "--world.seed", "--corpus.seed")
PRESET_NAMES: Any = Literal[tuple(PRESETS)]
PRESET_HELP = "Configuration whose values hold for every configuration flag that is not given."


def parse(
    command_class: type[Command],
    argv: Sequence[str],
    *,
    prog: str,
    description: str = "",
    sections: Sequence[str] = SECTIONS,
) -> tuple[Command, str, RunConfig]:
    """Parse a command that works on a run configuration.

    `--seed N` draws a world, a corpus order and an initialisation together, as `with_seed` does; `--world.seed` and `--corpus.seed`
    still override theirs. A command with a field `first_seed` draws the seeds of its runs itself and refuses all three.

    Args:
        command_class: frozen dataclass of the command's own flags.
        argv: the command line after the command's name.
        prog: the command's name, for the help.
        description: what the command does, with examples, for the help.
        sections: the fields of `RunConfig` that the command reads, and so takes flags for.

    Returns:
        The command's values, the name of the preset, and the resolved configuration.

    Raises:
        ConfigError: a wrong flag or value; the message is one line.
        SystemExit: `--help` was asked for and printed.
    """
    draws_seeds = any(part.name == "first_seed" for part in fields(command_class))  # type: ignore[arg-type]
    parts = [part for part in sections if not (draws_seeds and part == "seed")]
    own = tuple(flags(command_class))
    known = (*own, Flag("--preset", PRESET_NAMES), *(flag for flag in flags(RunConfig) if flag.name[2:].split(".")[0] in parts))
    names = {flag.name for flag in known}
    aliases = {short: full for short, full in ALIASES.items() if full in names and short not in names}
    if _wants_help(argv):
        preset = next((value for flag, value in pairwise(argv) if flag == "--preset" and value in PRESETS), DEFAULT_PRESET)
        start = PRESETS[preset]
        notes = [f"{short} is short for {full}." for short, full in aliases.items()]
        description = "\n\n".join([description.strip(), *notes])
    else:
        if draws_seeds:
            _refuse_seeds(argv)
        given = check(argv, known, aliases)
        preset = given.get("--preset", [DEFAULT_PRESET])[0]
        start = PRESETS[preset]
        if "--seed" in given and "seed" in parts:
            start = with_seed(start, int(given["--seed"][0]))
    schema = make_dataclass(
        "Arguments",
        [
            ("command", Annotated[command_class, tyro.conf.arg(name="")]),
            ("preset", Annotated[PRESET_NAMES, tyro.conf.arg(help=PRESET_HELP)], field(default=preset)),
            *((name, kind, field(default=getattr(start, name))) for name, kind in get_type_hints(RunConfig).items() if name in parts),
        ],
        frozen=True,
        kw_only=True,
    )
    values = _tyro(schema, _expand(argv, aliases), prog, description)
    return values.command, preset, replace(start, **{name: getattr(values, name) for name in parts})


def parse_command(command_class: type[Command], argv: Sequence[str], *, prog: str, description: str = "") -> Command:
    """Parse a command that takes only its own flags; raises as `parse` does."""
    if not _wants_help(argv):
        check(argv, flags(command_class), {})
    command: Command = _tyro(command_class, argv, prog, description)
    return command


def _wants_help(argv: Iterable[str]) -> bool:
    return any(token in ("-h", "--help") for token in argv)


def _refuse_seeds(argv: Sequence[str]) -> None:
    for token in argv:
        if token.partition("=")[0] in SEED_FLAGS:
            raise ConfigError(f"Seeds are drawn by this command: give --first-seed and --seeds. Got {token!r}.")


def _expand(argv: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    expanded = []
    for token in argv:
        written, equals, attached = token.partition("=")
        expanded.append(f"{aliases.get(written, written)}{equals}{attached}")
    return expanded


def _tyro(schema: Any, argv: Sequence[str], prog: str, description: str) -> Any:
    """Build the values with tyro, or print its help. What `check` let pass and tyro refuses becomes one line as well."""
    arguments = ["--help"] if _wants_help(argv) else list(argv)
    refusal = io.StringIO()
    try:
        with redirect_stderr(refusal):
            return tyro.cli(schema, prog=prog, description=description.strip(), args=arguments)
    except SystemExit as end:
        if not end.code:
            raise
        text = re.sub(r"[─-╿|]", " ", refusal.getvalue())
        raise ConfigError(" ".join(text.split())) from None
