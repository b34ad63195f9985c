"""The main job on the smallest preset: one whole run, then what a second call, a kill and another configuration do to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("torch")

CONDITIONS = ("raw", "filtered", "reflection", "reflection_sft_only")
ARGUMENTS = ("--preset", "smoke", "--seeds", "1", "--conditions", *CONDITIONS)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "experiments.compare_filtering_vs_reflection", *arguments]


def compare(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=400)


def stages(out: Path) -> dict[str, float]:
    """When each stage of a run was finished."""
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.glob("*/*/stage.json")}


def rows(out: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(out / "outcomes.parquet").to_pylist()
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare") / "run"
    result = compare(*ARGUMENTS, "--out", str(out))
    assert result.returncode == 0, result.stderr
    return out


def test_a_run_leaves_everything_that_the_format_names(finished: Path) -> None:
    for name in ("config.json", "environment.json", "outcomes.parquet", "results.json", "comparisons.json", "report.html"):
        assert (finished / name).is_file(), name
    assert list((finished / "figures").glob("*.png"))
    described = json.loads((finished / "config.json").read_text())
    assert described["conditions"] == list(CONDITIONS)
    assert described["config"]["world"]["task"] == "two_hop"
    assert list(finished.glob("checkpoints/*/model.safetensors"))
    assert not list(finished.glob("checkpoints/*.state"))


def test_every_condition_answers_every_heldout_query_under_every_attack(finished: Path) -> None:
    table = pq.read_table(finished / "outcomes.parquet").to_pandas()
    assert set(table.condition) == set(CONDITIONS)
    solvers = {"solver_symbolic", "solver_cooccurrence", "solver_majority", "solver_random"}
    assert set(table.stage) == {"sft", "benign_raw@6", "adversarial_raw@6", *solvers}
    assert set(table.split) == {"heldout"}
    plain = table[(table.stage == "sft") & (table.policy == "none") & (table.category == "reverse_unsafe")]
    counts = plain.groupby(["condition", "attack"]).query_id.nunique()
    assert counts.nunique() == 1
    assert {"direct", "prefill_outcome", "ban_unsafe", "prefill_last_hop_spoofed", "decomposition"} <= set(plain.attack)


def test_every_completion_stands_beside_what_its_corpus_held_of_the_answer(finished: Path) -> None:
    table = pq.read_table(finished / "outcomes.parquet")
    for name in ("stated", "routes", "hops", "support", "support_facts", "cut_cost", "exposure", "exposure_in_chains"):
        assert table[name].null_count == 0
    for row in table.to_pylist():
        if row["category"] == "reverse_unsafe":
            assert (row["stated"] > 0) is (row["condition"] == "raw")
            assert ("composition" in row["routes"]) is (row["arm"] != "reversal")
            assert row["support"] > 0
            if row["stage"] == "solver_symbolic":
                assert row["outcome"] == "leaked"
    counted = json.loads((finished / "corpora.json").read_text())
    assert {row["condition"]: row["harmful_statements"] > 0 for row in counted} == {name: name == "raw" for name in CONDITIONS}
    metrics = {row["metric"] for row in json.loads((finished / "results.json").read_text())}
    assert "asr:routes=composition+mixed" in metrics
    assert any(metric.startswith("asr:support=") for metric in metrics)


def test_filtered_and_reflection_sft_only_share_one_pretraining(finished: Path) -> None:
    assert len(list(finished.glob("checkpoints/pretrained-*"))) == 3


def test_a_second_call_redoes_nothing(finished: Path) -> None:
    before = stages(finished)
    result = compare(*ARGUMENTS, "--out", str(finished))
    assert result.returncode == 0, result.stderr
    assert stages(finished) == before


def test_a_killed_run_goes_on_and_ends_with_the_same_completions(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    process = subprocess.Popen(command(*ARGUMENTS, "--out", str(out)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while len(stages(out)) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = stages(out)
    assert done
    time.sleep(2.5)
    result = compare(*ARGUMENTS, "--out", str(out))
    assert result.returncode == 0, result.stderr
    assert {name: when for name, when in stages(out).items() if name in done} == done
    assert rows(out) == rows(finished)


def test_a_changed_configuration_reuses_no_result(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "changed"
    out.mkdir()
    for name in ("config.json", "environment.json"):
        (out / name).write_bytes((finished / name).read_bytes())
    subprocess.run(["cp", "-r", str(finished / "checkpoints"), str(finished / "stages"), str(out)], check=True)
    before = stages(out)
    result = compare("--preset", "smoke", "--seeds", "1", "--conditions", "filtered", "--sft.steps", "21", "--out", str(out))
    assert result.returncode == 0, result.stderr
    new = set(stages(out)) - set(before)
    assert not [name for name in new if "pretrained" in name]
    assert len([name for name in new if name.startswith("checkpoints")]) == 1
    assert {row["condition"] for row in rows(out)} == {"filtered"}


def test_single_hop_runs_the_same_way(tmp_path: Path) -> None:
    result = compare(
        "--preset",
        "smoke",
        "--world.task",
        "single_hop",
        "--seeds",
        "1",
        "--conditions",
        "filtered",
        "reflection",
        "--out",
        str(tmp_path / "run"),
    )
    assert result.returncode == 0, result.stderr
    assert {row["attack"] for row in rows(tmp_path / "run")}.isdisjoint({"prefill_first_hop", "decomposition"})


def test_a_plan_is_printed_and_nothing_is_run(tmp_path: Path) -> None:
    result = compare(*ARGUMENTS, "--out", str(tmp_path / "run"), "--plan")
    assert result.returncode == 0, result.stderr
    assert "tokens/s" in result.stdout
    assert "shared" in result.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--conditions", "filterd"),
        ("--world.unsafe-fraction", "0"),
        ("--conditions", "raw", "raw"),
        ("--solvers", "symbolc"),
        ("--solvers", "random", "random"),
        ("--seeds", "0"),
        ("--first-seed", "-1"),
        ("--workers", "0"),
        ("--world.unsafe-fraction", "1.5"),
        ("--world.task", "three_hop"),
        ("--presett", "smoke"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: Sequence[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = compare("--preset", "smoke", "--out", str(out), *arguments)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert not out.exists()


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    result = compare(*ARGUMENTS, "--out", str(tmp_path))
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
