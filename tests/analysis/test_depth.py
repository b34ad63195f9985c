"""A run over several depths: what is asked of it, and its page, from simulated completions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from medsafetyworld.analysis.depth import REVERSAL, analyse_depths, depths
from medsafetyworld.analysis.depth_page import answer, depth_table
from medsafetyworld.analysis.labels import depth_stage, stage_depth
from medsafetyworld.analysis.questions import Side
from medsafetyworld.analysis.report import write_report
from medsafetyworld.analysis.study import Study, read_run
from medsafetyworld.presets import PRESETS, to_dict
from tests.analysis import synthetic

LEAKS = {2: 0.8, 3: 0.5, 4: 0.2}


def write_depths(directory: Path, *, seeds: int = 6, leaks: dict[int, float] = LEAKS, conditions: tuple[str, ...] = ()) -> Path:
    """Write a run in which filtered models leak less with each hop, and no others differ; reflection at four hops can answer nothing."""
    tables = [
        synthetic.outcomes(
            seeds=range(seeds),
            conditions=conditions or ("raw", "filtered", "reflection"),
            attacks=("direct", "prefill_outcome", "decomposition"),
            stages=(depth_stage(hops),),
            leak={**synthetic.LEAK, "filtered": leak},
            accuracy={("reflection", seed): 0.05 for seed in range(seeds)} if hops == 4 else None,
        )
        for hops, leak in leaks.items()
    ]
    synthetic.write_run(directory, pa.concat_tables(tables), extras=False)
    counted = [{"condition": name, "harmful_statements": 9 * (name == "raw")} for name in ("raw", "filtered", "reflection")]
    (directory / "corpora.json").write_text(json.dumps([{**own, "seed": seed} for own in counted for seed in range(seeds)]))
    described = json.loads((directory / "config.json").read_text())
    config = PRESETS["tiny"]
    described["depths"] = {str(hops): to_dict(replace(config, world=replace(config.world, hops=hops))) for hops in leaks}
    (directory / "config.json").write_text(json.dumps({**described, "experiment": "hops"}))
    return directory


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_depths(tmp_path_factory.mktemp("depths"))


@pytest.fixture(scope="module")
def study(run: Path) -> Study:
    return analyse_depths(read_run(run))


def test_stages_name_their_depth() -> None:
    assert [stage_depth(depth_stage(hops)) for hops in range(2, 6)] == [2, 3, 4, 5]
    assert [stage_depth(stage) for stage in ("sft", "benign_raw@60", "world", "a-hop world")] == [None] * 4


def test_depths_are_compared_with_the_shallowest(study: Study) -> None:
    assert depths(study.outcomes) == {2: "2-hop world", 3: "3-hop world", 4: "4-hop world"}
    fall = study.comparisons["filtered:composition:4_against_2"]
    assert fall.all_seeds.seeds == 6
    assert fall.all_seeds.difference < -0.3
    assert fall.p_decisive is not None
    assert fall.p_decisive < 0.05
    assert fall.question.b == Side("filtered", stage="2-hop world", arms=("composition",))
    assert study.comparisons["raw:composition:4_against_2"].p_decisive > 0.05  # type: ignore[operator]
    assert study.comparisons["filtered:reversal:3_against_2"].question.a.arms == REVERSAL


def test_methods_and_the_ceiling_are_compared_at_each_depth(study: Study) -> None:
    for hops in LEAKS:
        assert study.comparisons[f"filtered_vs_reflection:{hops}"].all_seeds.difference > 0
        ceiling = study.comparisons[f"filtered:ceiling:{hops}"].question
        assert (ceiling.a.attack, ceiling.b.attack) == ("prefill_outcome", "decomposition")


def test_the_utility_floor_is_that_of_the_depth(study: Study) -> None:
    assert study.floor.valid_seeds("reflection", "3-hop world") == frozenset(range(6))
    assert study.floor.valid_seeds("reflection", "4-hop world") == frozenset()


def test_the_table_has_a_row_a_condition_and_depth(study: Study) -> None:
    table = depth_table(study)
    assert [group.title for group in table.groups] == ["2-hop world", "3-hop world", "4-hop world"]
    assert all([label for label, _ in group.rows] == ["raw", "filtered", "reflection"] for group in table.groups)
    assert all(len(cells) == len(table.columns) - 1 for group in table.groups for _, cells in group.rows)


def test_the_answer_is_made_from_the_data(study: Study) -> None:
    sentences = answer(study)
    assert "with 2, 3 and 4 hops" in sentences[0]
    assert any("4-hop world leaks in" in sentence and "less" in sentence for sentence in sentences)
    assert any("invalid: below the utility floor" in sentence for sentence in sentences)
    assert "6 of 54 trained models are below the utility floor" in sentences[-1]


def test_the_report_is_whole_and_stable(run: Path) -> None:
    page = write_report(run)
    files = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.suffix in (".json", ".png", ".html")}
    assert {path.name for path in files} == {
        "config.json",
        "corpora.json",
        "results.json",
        "comparisons.json",
        "hops.png",
        "world.png",
        "report.html",
    }
    write_report(run)
    assert {path: path.read_bytes() for path in files} == files
    text = page.read_text()
    assert "Unsafe composition against the number of hops" in text
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org", "")
    rows = json.loads((run / "results.json").read_text())
    assert {row["stage"] for row in rows} == set(depths(read_study(run).outcomes).values())
    assert {row["metric"] for row in rows} >= {"asr", "asr_valid", "ucg", "accuracy", "mean_depth"}


def read_study(run: Path) -> Study:
    return analyse_depths(read_run(run))


def test_one_depth_one_seed_and_no_raw_are_reported_as_what_they_are(tmp_path: Path) -> None:
    run = write_depths(tmp_path / "run", seeds=1, leaks={3: 0.5}, conditions=("filtered",))
    text = write_report(run).read_text()
    assert "intervals are binomial" in text
    assert "whether they are above the utility floor is unknown" in text.lower()
    assert [row["name"] for row in json.loads((run / "comparisons.json").read_text())] == ["filtered:ceiling:3"]
