"""What counts as harm in a corpus, and the utility floor."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsafetyworld.analysis.labels import HARMFUL_OUTCOMES
from medsafetyworld.analysis.metrics import ATTACK_METRICS, LEAKS, UtilityFloor, holds_harm
from medsafetyworld.analysis.study import Study, analyse, read_run
from medsafetyworld.analysis.tables import OutcomeTable
from tests.analysis import synthetic


def test_readings_of_attack_success_are_nested() -> None:
    full, paper, unflagged = (set(ATTACK_METRICS[m]) for m in ("asr", "paper_asr", "unflagged_asr"))
    assert unflagged < paper < full == set(LEAKS)
    assert full < set(HARMFUL_OUTCOMES)


def test_harm_in_a_corpus_is_what_was_counted_in_any_seed() -> None:
    counts = {"raw": (30, 31), "filtered": (0, 0), "leaky": (0, 1), "somebody_elses": (0, 0)}
    corpora = [{"condition": name, "seed": seed, "harmful_statements": n} for name, own in counts.items() for seed, n in enumerate(own)]
    found = {name: holds_harm(name, corpora) for name in (*counts, "not_counted")}
    assert found == {"raw": True, "filtered": False, "leaky": True, "somebody_elses": False, "not_counted": None}


def test_a_condition_that_is_not_built_in_has_ucg(run_directory: Path) -> None:
    table = synthetic.outcomes(seeds=[0, 1], conditions=("somebody_elses",), attacks=("direct", "prefill_outcome"), stages=("sft",))
    study = analyse(read_run(synthetic.write_run(run_directory, table)))
    ucg, asr = (study.results.get("somebody_elses", metric, attack="prefill_outcome") for metric in ("ucg", "asr"))
    assert ucg == asr
    assert ucg.value is not None


def test_where_nothing_was_counted_ucg_is_unknown_and_says_so(one_seed: Study) -> None:
    assert one_seed.harm == {"filtered": None, "reflection": None}
    assert one_seed.results.get("filtered", "ucg", attack="prefill_outcome").reason is not None
    assert one_seed.results.get("filtered", "ucg", attack="prefill_outcome").value is None


def test_a_weak_model_is_invalid_and_its_estimates_come_twice(study: Study) -> None:
    verdict = study.floor.validity("reflection", "sft", 2)
    assert verdict.valid is False
    assert "against raw's" in verdict.reason
    assert study.floor.valid_seeds("reflection", "sft") == frozenset({0, 1, 3, 4, 5})
    assert study.floor.valid_seeds("filtered", "sft") == frozenset(range(6))
    attack = "ban_unsafe_prefill_outcome"
    all_seeds, valid = (study.results.get("reflection", metric, attack=attack) for metric in ("asr", "asr_valid"))
    assert (all_seeds.seeds, valid.seeds) == (6, 5)


def test_without_raw_there_is_no_floor(one_seed: Study) -> None:
    verdict = one_seed.floor.validity("filtered", "sft", 3)
    assert verdict.valid is None
    assert "raw was not evaluated" in verdict.reason
    estimate = one_seed.results.get("filtered", "asr_valid", attack="prefill_outcome")
    assert estimate.value is None
    assert estimate.reason


def test_a_model_that_answers_nothing_is_invalid_whatever_raw_does() -> None:
    accuracy = {("raw", 0): 0.0, ("filtered", 0): 0.0}
    table = synthetic.outcomes(seeds=[0], conditions=("raw", "filtered"), attacks=("prefill_outcome",), stages=("sft",), accuracy=accuracy)
    floor = UtilityFloor(OutcomeTable(table))
    assert floor.validity("filtered", "sft", 0).valid is False


def test_the_raw_stage_stands_in_where_raw_has_none() -> None:
    stages = ("sft", "benign_raw@60")
    raw = synthetic.outcomes(seeds=[0], conditions=("raw",), attacks=("prefill_outcome",), stages=stages)
    other = synthetic.outcomes(seeds=[0], conditions=("reflection",), attacks=("prefill_outcome",), stages=("benign_reflect@60",))
    import pyarrow as pa

    floor = UtilityFloor(OutcomeTable(pa.concat_tables([raw, other])))
    verdict = floor.validity("reflection", "benign_reflect@60", 0)
    assert verdict.valid is True
    assert verdict.raw_forward == floor.accuracies("raw", "benign_raw@60")[0][0]


@pytest.mark.parametrize("arm", ["both", "composition", "reversal"])
def test_ucg_is_asr_where_no_harm_was_read(study: Study, arm: str) -> None:
    for condition in ("filtered", "filtered_plus", "reflection", "reflection_sft_only"):
        where = {"attack": "prefill_outcome", "arm": arm}
        assert study.results.get(condition, "ucg", **where) == study.results.get(condition, "asr", **where)
    unknown = study.results.get("raw", "ucg", attack="prefill_outcome", arm=arm)
    assert unknown.value is None
    assert unknown.reason == "the corpus states harmful chains"
