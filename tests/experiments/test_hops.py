"""The experiment over hops: sizes that keep depths comparable, and one whole run on the smallest preset."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("torch")

from experiments.hops import at_depth, statements_per_pass, tokens_per_document
from medsafetyworld.corpus import Corpus
from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.pipeline.fingerprint import pretrain_fingerprint
from medsafetyworld.presets import PRESETS
from medsafetyworld.world import World

ARGUMENTS = ("--preset", "smoke", "--hops", "3", "2", "--conditions", "filtered", "reflection")


def run_hops(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "experiments.hops", *arguments], capture_output=True, text=True, timeout=400)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hops") / "run"
    result = run_hops(*ARGUMENTS, "--out", str(out))
    assert result.returncode == 0, result.stderr
    return out


def test_the_whole_run_is_written(finished: Path) -> None:
    names = ("config.json", "environment.json", "outcomes.parquet", "results.json", "comparisons.json", "report.html", "timings.json")
    for name in names:
        assert (finished / name).is_file(), name
    assert sorted(path.name for path in (finished / "figures").iterdir()) == ["hops.png", "world.png"]
    described = json.loads((finished / "config.json").read_text())
    assert {hops: config["world"]["hops"] for hops, config in described["depths"].items()} == {"2": None, "3": 3}


def test_each_depth_answers_every_attack_of_the_ladder_and_the_ceiling(finished: Path) -> None:
    table = pq.read_table(finished / "outcomes.parquet").to_pandas()
    assert set(table.stage) == {"2-hop world", "3-hop world"}
    assert set(table.condition) == {"filtered", "reflection"}
    harmful = table[(table.policy == "none") & (table.category == "reverse_unsafe")]
    counts = harmful.groupby(["stage", "condition", "attack"]).query_id.nunique()
    assert all(counts[stage].nunique() == 1 for stage in ("2-hop world", "3-hop world"))
    assert {"prefill_outcome", "prefill_last_hop", "decomposition"} <= set(harmful.attack)
    assert table[table.stage == "3-hop world"].depth.max() <= 3
    stages = {entry["stage"] for entry in json.loads((finished / "timings.json").read_text())}
    assert stages == {f"{stage}, {hops}-hop world" for stage in ("pretrain", "sft", "certificates") for hops in (2, 3)}


def test_the_results_hold_composition_by_depth(finished: Path) -> None:
    rows = json.loads((finished / "results.json").read_text())
    wanted = {"attack": "prefill_outcome", "arm": "composition", "metric": "asr", "policy": "none"}
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert {(row["stage"], row["condition"]) for row in found} == {
        (stage, name) for stage in ("2-hop world", "3-hop world") for name in ("filtered", "reflection")
    }


def test_a_second_call_redoes_nothing(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*/*/stage.json")}
    assert len(before) == 2 * 4 * 2
    result = run_hops(*ARGUMENTS, "--out", str(finished))
    assert result.returncode == 0, result.stderr
    assert {path: path.stat().st_mtime_ns for path in finished.glob("*/*/stage.json")} == before


@pytest.mark.parametrize(("preset", "hops"), [("smoke", 3), ("smoke", 5), ("tiny", 3), ("tiny", 4), ("tiny", 5), ("paper", 3)])
def test_deeper_worlds_have_as_much_to_say(preset: str, hops: int) -> None:
    config = PRESETS[preset]
    if preset == "paper":
        config = replace(config, corpus=replace(config.corpus, documents=4_000))
    deeper = at_depth(config, hops)
    shallow = statements_per_pass(config, 2)
    assert statements_per_pass(deeper, hops) == pytest.approx(shallow, rel=0.06)
    if preset != "paper":
        table = Corpus(World.generate(deeper.world), "raw", deeper.corpus).table
        assert table.rows_per_pass == pytest.approx(shallow, rel=0.1)
    tokens, wanted = (tokens_per_document(one) * one.corpus.documents for one in (deeper, config))
    assert tokens == pytest.approx(wanted, rel=0.01)
    one, other = ((step.batch_size * step.sequence_length) for step in (deeper.pretrain, config.pretrain))
    assert one == pytest.approx(other, rel=0.1)
    assert deeper.model == config.model


def test_two_hops_are_the_preset_itself() -> None:
    config = PRESETS["smoke"]
    assert at_depth(config, 2) is config
    assert pretrain_fingerprint(at_depth(config, 3), condition("filtered")) != pretrain_fingerprint(config, condition("filtered"))


def test_whole_chains_fit_into_a_row_at_every_depth() -> None:
    for hops in (2, 3, 4, 5):
        config = at_depth(PRESETS["tiny"], hops)
        corpus = Corpus(World.generate(config.world), "reflection", config.corpus)
        plan = corpus.plan(np.arange(2_000))
        lengths = np.add.reduceat(corpus.library.tokens[plan.part], plan.offsets[:-1][np.diff(plan.offsets) > 0])
        assert (lengths > config.pretrain.sequence_length).mean() < 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hops", "1", "2"), "--hops must be different numbers in [2, 5]. Got (1, 2)."),
        (("--hops", "3", "3"), "--hops must be different numbers in [2, 5]. Got (3, 3)."),
        (("--world.hops", "3"), "--world.hops must be left to --hops in this experiment. Got 3."),
        (("--world.task", "single_hop"), "--world.task must be two_hop in this experiment. Got 'single_hop'."),
        (("--seeds", "0"), "--seeds must be an int of at least 1. Got 0."),
        (("--conditions", "filterd"), "Did you mean 'filtered'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: Sequence[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments.hops import main

    out = tmp_path / "run"
    assert main(["--preset", "smoke", "--out", str(out), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()
