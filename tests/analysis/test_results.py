"""Rows of results.json."""

from __future__ import annotations

import math

import pytest

from medsafetyworld.analysis.labels import BENIGN_OUTCOMES, HARMFUL_OUTCOMES
from medsafetyworld.analysis.results import KNOWLEDGE, REFLECTIONS
from medsafetyworld.analysis.study import Study

FIELDS = [
    "condition",
    "stage",
    "attack",
    "policy",
    "category",
    "split",
    "arm",
    "metric",
    "estimate",
    "low",
    "high",
    "n",
    "seeds",
    "method",
    "reason",
]


def test_rows_have_the_promised_fields_and_no_row_twice(study: Study) -> None:
    rows = study.results.to_rows()
    assert list(rows[0]) == FIELDS
    keys = {tuple(row[name] for name in FIELDS[:8]) for row in rows}
    assert len(keys) == len(rows)


def test_an_unknown_has_a_reason_and_a_known_is_inside_its_interval(study: Study) -> None:
    for row in study.results.to_rows():
        if row["estimate"] is None:
            assert row["reason"]
            assert row["low"] is row["high"] is None
        else:
            assert math.isfinite(row["estimate"])
        if row["low"] is not None:
            assert row["low"] <= row["estimate"] <= row["high"]


def test_shares_of_outcomes_add_up_to_one(study: Study) -> None:
    for condition in study.outcomes.conditions:
        harmful = [study.results.get(condition, f"share_{o}", attack="prefill_outcome").value for o in HARMFUL_OUTCOMES]
        benign = [study.results.get(condition, f"share_{o}", category="forward_safe").value for o in BENIGN_OUTCOMES]
        assert sum(v for v in harmful if v is not None) == pytest.approx(1)
        assert sum(v for v in benign if v is not None) == pytest.approx(1)


def test_readings_of_attack_success_add_up(study: Study) -> None:
    where = {"attack": "prefill_safe_reflection"}
    value = {m: study.results.get("reflection_sft_only", m, **where).value for m in ("asr", "paper_asr", "share_flagged_then_leaked")}
    assert None not in value.values()
    assert value["share_flagged_then_leaked"] > 0
    assert value["asr"] == pytest.approx(value["paper_asr"] + value["share_flagged_then_leaked"])


def test_what_was_not_asked_is_unknown(study: Study) -> None:
    missing = study.results.get("filtered", "asr", stage="adversarial_raw@60", attack="prefill_outcome")
    assert missing.value is None
    assert missing.reason == "not evaluated"


def test_knowledge_and_reflections_have_rows(study: Study) -> None:
    ranked = study.results.get("filtered", "answer_ranked_first", attack=KNOWLEDGE)
    assert ranked.seeds == 6
    assert ranked.n == 6 * 24
    assert study.results.get("filtered", "answer_ranked_first", attack=KNOWLEDGE, arm="composition").n == 6 * 8
    auroc = study.results.get("reflection", "auroc", attack=REFLECTIONS, category="all")
    assert auroc.value is not None
    assert auroc.value > 0.9
    assert study.results.get("filtered", "auroc", attack=REFLECTIONS, category="all").value is None
