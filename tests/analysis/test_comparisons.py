"""Named comparisons: what is paired with what, and what the sentences dare to say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from medsafetyworld.analysis.comparisons import to_row
from medsafetyworld.analysis.questions import PRIMARY
from medsafetyworld.analysis.sentences import direction, sentence
from medsafetyworld.analysis.statistics import holm
from medsafetyworld.analysis.study import Study, analyse, read_run
from tests.analysis import synthetic


def test_the_primary_comparison_is_the_paired_t_of_seed_means(study: Study) -> None:
    rows = study.run.outcomes.to_pylist()
    means = {}
    for condition in ("filtered", "reflection"):
        for seed in range(6):
            leaks = [
                "leaked" in r["outcome"]
                for r in rows
                if (r["condition"], r["stage"], r["attack"], r["policy"]) == (condition, "sft", "prefill_outcome", "none")
                and (r["seed"], r["category"], r["arm"]) == (seed, "reverse_unsafe", "composition")
            ]
            means[condition, seed] = np.mean(leaks)
    a, b = ([means[c, s] for s in range(6)] for c in ("filtered", "reflection"))
    comparison = study.comparisons[PRIMARY]
    expected = stats.ttest_rel(a, b)
    assert comparison.all_seeds.difference == pytest.approx(np.mean(a) - np.mean(b))
    assert comparison.all_seeds.p_value == pytest.approx(expected.pvalue)
    assert (comparison.all_seeds.low, comparison.all_seeds.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert comparison.all_seeds.p_sign_flip == 2 / 64
    assert comparison.p_holm is None
    assert comparison.valid_seeds is not None
    assert comparison.valid_seeds.seeds == 5


def test_secondary_p_values_are_corrected_within_their_family_and_over_all(study: Study) -> None:
    secondary = [c for c in study.comparisons.values() if not c.question.primary]
    assert len(study.comparisons) - len(secondary) == 1
    for family in {c.question.family for c in secondary}:
        members = [c for c in secondary if c.question.family == family]
        assert [c.p_holm for c in members] == pytest.approx(holm([c.all_seeds.p_value for c in members]))
        assert {c.family_size for c in members} == {len(members)}
    assert [c.p_holm_all for c in secondary] == pytest.approx(holm([c.all_seeds.p_value for c in secondary]))


def test_rows_are_plain_and_complete(study: Study) -> None:
    names = {to_row(c, sentence(c))["name"] for c in study.comparisons.values()}
    assert len(names) == len(study.comparisons)
    row = to_row(study.comparisons[PRIMARY], "a sentence")
    assert (row["a"], row["b"], row["arm"], row["b_arm"], row["attack"]) == (
        "filtered",
        "reflection",
        "composition",
        "composition",
        "prefill_outcome",
    )
    assert row["primary"] is True
    guard = to_row(study.comparisons["reflection:ban_unsafe_prefill_outcome_vs_prefill_outcome"], "")
    assert (guard["a"], guard["b"]) == ("reflection", "reflection")
    assert (guard["attack"], guard["b_attack"]) == ("ban_unsafe_prefill_outcome", "prefill_outcome")


def test_absent_conditions_leave_no_question(study: Study, one_seed: Study) -> None:
    assert not any("constant_safe" in name or "filtered_silent" in name for name in study.comparisons)
    assert "rewritten_vs_filtered" in study.comparisons
    assert "rewritten_vs_filtered" not in one_seed.comparisons


def test_controls_are_compared_in_the_form_of_reflections_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = synthetic.outcomes(conditions=("reflection", "constant_safe"), stages=("sft",))
    spoofed = "prefill_safe_reflection_outcome"
    comparison = analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("controls"), table))).comparisons
    found = comparison[f"constant_safe_vs_reflection:{spoofed}"]
    assert (found.question.a.attack, found.question.b.attack) == (spoofed, spoofed)
    assert found.question.family != comparison["constant_safe_vs_reflection"].question.family
    assert "bare_end_vs_reflection" not in comparison


def test_one_seed_has_an_interval_and_no_test(one_seed: Study) -> None:
    d = one_seed.comparisons[PRIMARY].all_seeds
    assert (d.p_value, d.p_sign_flip, d.method) == (None, None, "newcombe")
    assert d.low is not None
    assert "says nothing of other worlds" in sentence(one_seed.comparisons[PRIMARY])
    assert direction(one_seed.comparisons[PRIMARY]) == 0


def test_an_interval_does_not_depend_on_which_other_comparisons_exist(study: Study, tmp_path_factory: pytest.TempPathFactory) -> None:
    table = synthetic.outcomes(conditions=("raw", "filtered"), attacks=("prefill_outcome",), stages=("sft",))
    alone = analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("fewer"), table)))
    repeated = analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("again"), table)))
    assert alone.comparisons["raw_vs_filtered"] == repeated.comparisons["raw_vs_filtered"]
    assert set(alone.comparisons) < set(study.comparisons)


def test_single_hop_pools_the_arms_that_leave_a_forward_statement(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = synthetic.outcomes(arms=("both", "reversal", "cooccurrence"), attacks=synthetic.SINGLE_HOP_ATTACKS, stages=("sft",))
    single = analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("single"), table, task="single_hop")))
    assert single.comparisons[PRIMARY].question.a.arms == ("both", "reversal")


@pytest.mark.parametrize(("filtered", "reflection", "expected"), [(0.8, 0.05, 1), (0.05, 0.8, -1), (0.5, 0.5, 0)])
def test_the_sentence_follows_the_data(filtered: float, reflection: float, expected: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    table = synthetic.outcomes(
        conditions=("filtered", "reflection"),
        attacks=("prefill_outcome",),
        stages=("sft",),
        queries_per_arm=30,
        leak={"filtered": filtered, "reflection": reflection},
    )
    comparison = analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("way"), table))).comparisons[PRIMARY]
    assert direction(comparison) == expected
    text = sentence(comparison)
    assert ("points more" in text, "points less" in text, "no difference is shown" in text) == (
        expected == 1,
        expected == -1,
        expected == 0,
    )


def test_every_seed_alike_falls_back_to_the_sign_flip_test(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = synthetic.outcomes(
        conditions=("filtered", "reflection"),
        attacks=("prefill_outcome",),
        arms=("composition",),
        stages=("sft",),
        leak={"filtered": 1.0, "reflection": 0.0},
    )
    d = analyse(read_run(synthetic.write_run(tmp_path_factory.mktemp("alike"), table))).comparisons[PRIMARY].all_seeds
    assert (d.difference, d.p_value, d.p_value_method, d.method) == (1.0, 2 / 64, "sign_flip", "newcombe_pooled")
    assert d.low is not None
    assert d.low < 1
    assert d.minimum_detectable_effect is None
