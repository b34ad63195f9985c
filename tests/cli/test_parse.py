"""Command lines become exactly the values they name, and every mistake is one line that says what, what was given, what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medsafetyworld.cli.flags import Flag, flags
from medsafetyworld.cli.guard import main_guard
from medsafetyworld.cli.parse import parse, parse_command
from medsafetyworld.errors import ConfigError
from medsafetyworld.presets import PRESETS, RunConfig, with_seed


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command with a flag of every type that commands use."""

    out: Path
    """A path that must be given."""
    conditions: tuple[str, ...] = ("raw", "filtered")
    """Names."""
    count: int | None = None
    """An int or None."""
    device: Literal["cpu", "cuda"] = "cpu"
    """A choice."""
    plan: bool = False
    """A switch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawsSeeds:
    """A command that draws the seeds of its runs itself."""

    first_seed: int = 0
    """The first seed."""


def run(*argv: str) -> tuple[Command, str, RunConfig]:
    return parse(Command, argv, prog="test")


def line_of(capsys: pytest.CaptureFixture[str], *argv: str, command: type = Command) -> str:
    """Return the one line that a bad command line prints, after checking exit code and shape."""
    capsys.readouterr()
    assert main_guard(lambda: len(parse(command, argv, prog="test"))) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert "Traceback" not in err
    return err.rstrip("\n")


def test_without_overrides_the_preset_is_the_configuration() -> None:
    for name, value in PRESETS.items():
        command, preset, config = run("--out", "runs/x", "--preset", name)
        assert (preset, config) == (name, value)
        assert command == Command(out=Path("runs/x"))


def test_tiny_is_the_default_preset() -> None:
    assert run("--out", "x")[1:] == ("tiny", PRESETS["tiny"])


def test_every_field_can_be_overridden_by_name() -> None:
    _, _, config = run(
        *("--out", "x", "--preset", "smoke", "--world.unsafe-fraction", "0.25", "--world.task=single_hop", "--world.label_visible"),
        *("--corpus.reflection.no-end-of-text", "--corpus.reflection.segment-words", "100", "--finetune.curve", "2", "4", "8"),
        *("--world.arms", "both", "none", "--pretrain.steps", "7", "--sft.steps", "None", "--pretrain.learning-rate", "1e-3"),
    )
    smoke = PRESETS["smoke"]
    assert config == replace(
        smoke,
        world=replace(smoke.world, unsafe_fraction=0.25, task="single_hop", label_visible=True, arms=("both", "none")),
        corpus=replace(smoke.corpus, reflection=replace(smoke.corpus.reflection, end_of_text=False, segment_words=100)),
        finetune=replace(smoke.finetune, curve=(2, 4, 8)),
        pretrain=replace(smoke.pretrain, steps=7, learning_rate=1e-3),
        sft=replace(smoke.sft, steps=None),
    )


def test_the_commands_own_flags() -> None:
    command, _, _ = run("--out=a b", "--conditions", "reflection", "raw", "--count", "3", "--device", "cuda", "--plan")
    assert command == Command(out=Path("a b"), conditions=("reflection", "raw"), count=3, device="cuda", plan=True)


def test_attacks_is_short_for_the_evaluations_attacks() -> None:
    assert run("--out", "x", "--attacks", "all")[2].evaluation.attacks == "all"
    assert run("--out", "x", "--attacks=all")[2].evaluation.attacks == "all"


def test_one_seed_draws_world_corpus_and_initialisation_together() -> None:
    assert run("--out", "x", "--seed", "5")[2] == with_seed(PRESETS["tiny"], 5)
    config = run("--out", "x", "--seed", "5", "--world.seed", "7")[2]
    assert (config.world.seed, config.corpus.seed, config.seed) == (7, 5, 5)


def test_a_command_that_draws_seeds_refuses_a_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(DrawsSeeds, ["--first-seed", "4"], prog="test")[0] == DrawsSeeds(first_seed=4)
    assert "--first-seed" in line_of(capsys, "--world.seed", "3", command=DrawsSeeds)
    assert "--first-seed" in line_of(capsys, "--seed", "3", command=DrawsSeeds)


def test_only_the_sections_asked_for_are_flags() -> None:
    _, _, config = parse(Command, ["--out", "x", "--corpus.documents", "5"], prog="test", sections=("corpus",))
    assert config.corpus.documents == 5
    assert config.world == PRESETS["tiny"].world
    with pytest.raises(ConfigError, match=r"known flag. Got '--world.task'"):
        parse(Command, ["--out", "x", "--world.task", "two_hop"], prog="test", sections=("corpus",))
    with pytest.raises(ConfigError, match=r"known flag. Got '--attacks'"):
        parse(Command, ["--out", "x", "--attacks", "all"], prog="test", sections=("corpus",))


def test_a_command_without_configuration_takes_its_own_flags_only() -> None:
    assert parse_command(Command, ["--out", "x"], prog="test") == Command(out=Path("x"))
    with pytest.raises(ConfigError, match=r"known flag. Got '--preset'"):
        parse_command(Command, ["--out", "x", "--preset", "tiny"], prog="test")


def test_help_shows_the_chosen_presets_values_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(Command, ["--preset", "smoke", "--help"], prog="test", description="What it does.\n\n    test --preset tiny")
    assert end.value.code == 0
    text = capsys.readouterr().out
    for expected in (
        "What it does.",
        "    test --preset tiny",
        "--out PATH",
        "--world.compounds INT",
        "(default: 24)",
        "--attacks is short",
    ):
        assert expected in text


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ("", "error: --out must be given: a path. Got no --out."),
        ("--out", "error: --out must be a path. Got no value."),
        ("--out=", "error: --out must be a path. Got ''."),
        ("--out x y", "error: --out must be a path. Got 'x', 'y'."),
        ("x", "error: Expected a flag such as --preset before a value. Got 'x'."),
        ("--out x --preset tny", "error: --preset must be one of smoke, tiny, compact, paper, full. Got 'tny'. Did you mean 'tiny'?"),
        ("--out x --world.taks two_hop", "error: Expected a known flag. Got '--world.taks'. Did you mean --world.task?"),
        ("--out x --unsafe-fraction 0.3", "error: Expected a known flag. Got '--unsafe-fraction'. Did you mean --world.unsafe-fraction?"),
        ("--out x --zzz", "error: Expected a known flag. Got '--zzz'. --help lists the flags."),
        ("--out x -v", "error: Expected a known flag. Got '-v'. --help lists the flags."),
        ("--out x --world.task hop", "error: --world.task must be one of single_hop, two_hop. Got 'hop'. Did you mean 'two_hop'?"),
        ("--out x --world.compounds 1.5", "error: --world.compounds must be an int. Got '1.5'."),
        ("--out x --count many", "error: --count must be an int or None. Got 'many'."),
        ("--out x --world.unsafe-fraction nan", "error: --world.unsafe-fraction must be a finite float. Got 'nan'."),
        ("--out x --pretrain.learning-rate inf", "error: --pretrain.learning-rate must be a finite float. Got 'inf'."),
        ("--out x --world.unsafe-fraction 1.5", "error: WorldConfig.unsafe_fraction must be a float in [0, 1]. Got 1.5."),
        ("--out x --plan yes", "error: --plan must be given without a value. Got 'yes'."),
        ("--out x --conditions", "error: --conditions must be one or more values, each a name. Got no value."),
        ("--out x --finetune.curve 3 b", "error: --finetune.curve must be one or more values, each an int. Got '3', 'b'."),
        ("--out x --out y", "error: --out must be given once, and not with its opposite. Got it again: '--out y'."),
        ("--out x --plan --no-plan", "error: --no-plan must be given once, and not with its opposite. Got it again: '--no-plan'."),
        ("--out x --attacks al", "error: --attacks must be one of prompts, ladder, all. Got 'al'. Did you mean 'all'?"),
        ("--out x --seed -1", "error: WorldConfig.seed must be an int in [0, 2**63). Got -1."),
    ],
)
def test_a_mistake_is_one_line(argv: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert line_of(capsys, *argv.split()) == expected


KNOWN = (*flags(Command), *flags(RunConfig))
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


def spoiled_value(flag: Flag) -> st.SearchStrategy[list[str]]:
    """Values that do not fit the flag's type."""
    if flag.annotation is bool:
        return WORDS.filter(lambda word: not word.startswith("-")).map(lambda word: [word])
    options = get_args(flag.annotation) if get_origin(flag.annotation) not in (None, Literal, tuple) else (flag.annotation,)
    inner = [get_args(option)[0] if get_origin(option) is tuple else option for option in options]
    if str in inner or Path in inner:
        return st.sampled_from([[], [""], [" "]])
    letters = st.text("ghjkmpqrstuvwxyz", min_size=4, max_size=9)
    return st.one_of(letters.map(lambda word: [word]), st.just([]), letters.map(lambda word: ["1", word]))


def written(flag: Flag, values: list[str]) -> list[str]:
    return [f"{flag.name}={values[0]}"] if len(values) == 1 else [flag.name, *values]


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[list[str], str]:
    """Draw a command line with one mistake, and what its message must name."""
    good = draw(st.sampled_from([["--out", "x"], ["--out=x", "--preset", "smoke"], ["--preset=tiny", "--out", "x", "--plan"]]))
    kind = draw(st.sampled_from(["value", "typo", "stray", "twice", "missing"]))
    if kind == "missing":
        return [token for token in good if token not in ("--out", "x", "--out=x")], "--out"
    if kind == "twice":
        return [*good, "--out", "y"], "--out"
    if kind == "stray":
        word = draw(WORDS.filter(lambda word: not word.startswith("-")))
        return [word, *good], ascii(word)[1:-1] if word.isascii() and word.isalnum() else "Got"
    flag = draw(st.sampled_from(KNOWN))
    if kind == "value":
        assume(flag.name not in ("--out", "--plan"))
        return [*good, *written(flag, draw(spoiled_value(flag)))], flag.name
    position = draw(st.integers(2, len(flag.name) - 1))
    edit = draw(st.sampled_from(["drop", "double", "swap"]))
    name = flag.name
    if edit == "drop":
        typo = name[:position] + name[position + 1 :]
    elif edit == "double":
        typo = name[:position] + name[position] + name[position:]
    else:
        typo = name[: position - 1] + name[position] + name[position - 1] + name[position + 1 :]
    assume(len(typo) > 2 and typo not in {known.name for known in KNOWN} and typo not in ("--help", "--attacks", "--preset"))
    return [*good, typo, "1"], typo


@given(mistakes())
def test_any_drawn_mistake_is_one_line_that_names_it(mistake: tuple[list[str], str]) -> None:
    argv, named = mistake
    with pytest.raises(ConfigError) as error:
        run(*argv)
    message = str(error.value)
    assert named in message
    assert "Got" in message
    assert len(message.splitlines()) == 1


@given(st.lists(st.one_of(WORDS, st.sampled_from([flag.name for flag in KNOWN]), WORDS.map(lambda word: f"--{word}")), max_size=5))
def test_any_tokens_give_values_or_one_line(tokens: list[str]) -> None:
    assume(not {"-h", "--help"} & set(tokens))
    try:
        run("--out", "x", *tokens)
    except ConfigError as error:
        # Every message of ours says what it got: none was left to tyro.
        assert "Got" in str(error)  # noqa: PT017
        assert len(str(error).splitlines()) == 1  # noqa: PT017


def value_strategy(annotation: Any) -> st.SearchStrategy[list[str]]:
    """Fitting values of a flag as tokens."""
    if get_origin(annotation) is Literal:
        return st.sampled_from([[choice] for choice in get_args(annotation)])
    if get_origin(annotation) is tuple:
        return st.lists(value_strategy(get_args(annotation)[0]), min_size=1, max_size=3).map(lambda lists: [value for [value] in lists])
    if get_origin(annotation) is not None or not isinstance(annotation, type):
        return st.one_of([value_strategy(option) for option in get_args(annotation)])
    return {
        int: st.integers(-(10**20), 10**20).map(lambda value: [str(value)]),
        float: st.floats(allow_nan=False, allow_infinity=False).map(lambda value: [repr(value)]),
        str: st.from_regex(r"[a-z_]{1,9}", fullmatch=True).map(lambda value: [value]),
        Path: st.from_regex(r"[a-z/]{1,9}", fullmatch=True).map(lambda value: [value]),
        bool: st.just([]),
        type(None): st.just([["None"]]).map(lambda value: value[0]),
    }[annotation]


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """Every kind of type, without limits on values."""

    whole: int = 1
    real: float = 1.0
    text: str = "a"
    path: Path = Path("p")
    switch: bool = False
    choice: Literal["one", "two"] = "one"
    maybe: int | None = None
    many: tuple[int, ...] = (1,)
    names: tuple[str, ...] | None = None


@given(st.data())
def test_what_the_check_lets_pass_is_built_as_written(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(list(flags(Everything))), unique_by=lambda flag: flag.name.replace("no-", ""), max_size=9))
    tokens = {flag.name: data.draw(value_strategy(flag.annotation)) for flag in chosen}
    built = parse_command(Everything, [token for name, values in tokens.items() for token in (name, *values)], prog="test")
    for name, values in tokens.items():
        value = getattr(built, name[2:].removeprefix("no-"))
        if isinstance(value, bool):
            assert value == (not name.startswith("--no-"))
        elif isinstance(value, tuple):
            assert [str(item) for item in value] == [str(int(item)) if name == "--many" else item for item in values]
        else:
            assert values == ["None"] if value is None else value == type(value)(values[0])


def test_flags_are_the_fields_of_the_configuration() -> None:
    def leaves(value: object) -> int:
        return sum(leaves(getattr(value, part.name)) for part in fields(value)) if is_dataclass(value) else 1

    switches = {flag.name for flag in flags(RunConfig) if flag.annotation is bool}
    names = {flag.name for flag in flags(RunConfig)}
    assert len(names) == leaves(RunConfig()) + len(switches) // 2
    assert {"--seed", "--world.unsafe-fraction", "--corpus.reflection.label-rule", "--finetune.curve", "--evaluation.attacks"} <= names
