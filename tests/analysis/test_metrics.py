"""What counts as harm in a corpus, and the utility floor."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from medsafetyworld.analysis.labels import HARMFUL_OUTCOMES
from medsafetyworld.analysis.metrics import ATTACK_METRICS, LEAKS, UtilityFloor, holds_harm
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.tables import OutcomeTable
from medsafetyworld.corpus.config import CorpusConfig
from tests.analysis import synthetic


def test_readings_of_attack_success_are_nested() -> None:
    full, paper, unflagged = (set(ATTACK_METRICS[m]) for m in ("asr", "paper_asr", "unflagged_asr"))
    assert unflagged < paper < full == set(LEAKS)
    assert full < set(HARMFUL_OUTCOMES)


def test_harm_in_a_corpus_follows_its_configuration() -> None:
    plain = asdict(CorpusConfig())
    assert [holds_harm(c, plain) for c in ("raw", "rewritten", "filtered", "filtered_plus", "reflection")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert holds_harm("rewritten", {**plain, "rewrite_style": "redacted"}) is False
    leaky = {**plain, "filter": {"unit": "statement", "recall": 0.9, "false_positive_rate": 0.0}}
    assert holds_harm("filtered", leaky) is True
    assert holds_harm("filtered_plus", leaky) is False
    on_raw = {**plain, "reflection": {**plain["reflection"], "base": "raw"}}
    assert holds_harm("reflection", on_raw) is True
    assert holds_harm("reflection_sft_only", on_raw) is False
    assert holds_harm("somebody_elses", plain) is None


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
