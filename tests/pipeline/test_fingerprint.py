"""Fingerprints: equal exactly where a result may be reused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.pipeline.fingerprint import evaluation_fingerprint, finetune_fingerprint, posttrain_fingerprint, pretrain_fingerprint
from medsafetyworld.presets import PRESETS, RunConfig, from_dict, to_dict, with_seed

SMOKE = PRESETS["smoke"]


def test_conditions_that_share_a_corpus_share_its_pretraining_and_nothing_later() -> None:
    filtered, reflection_later = condition("filtered"), condition("reflection_sft_only")
    assert pretrain_fingerprint(SMOKE, filtered) == pretrain_fingerprint(SMOKE, reflection_later)
    assert posttrain_fingerprint(SMOKE, filtered) != posttrain_fingerprint(SMOKE, reflection_later)


def test_conditions_with_other_corpora_share_nothing() -> None:
    names = ("raw", "filtered", "filtered_plus", "rewritten", "reflection")
    assert len({pretrain_fingerprint(SMOKE, condition(name)) for name in names}) == len(names)


@pytest.mark.parametrize(
    "changed",
    [
        with_seed(SMOKE, 1),
        replace(SMOKE, world=replace(SMOKE.world, unsafe_fraction=0.25)),
        replace(SMOKE, corpus=replace(SMOKE.corpus, documents=601)),
        replace(SMOKE, model=replace(SMOKE.model, width=64)),
        replace(SMOKE, pretrain=replace(SMOKE.pretrain, learning_rate=1e-3)),
    ],
    ids=["seed", "world", "corpus", "model", "pretraining"],
)
def test_whatever_decides_pretraining_changes_every_fingerprint(changed: RunConfig) -> None:
    for fingerprint in (pretrain_fingerprint, posttrain_fingerprint, evaluation_fingerprint):
        assert fingerprint(changed, condition("filtered")) != fingerprint(SMOKE, condition("filtered"))


def test_later_settings_leave_earlier_stages_alone() -> None:
    changed = replace(SMOKE, sft=replace(SMOKE.sft, steps=21), finetune=replace(SMOKE.finetune, steps=7))
    chosen = condition("filtered")
    assert pretrain_fingerprint(changed, chosen) == pretrain_fingerprint(SMOKE, chosen)
    assert posttrain_fingerprint(changed, chosen) != posttrain_fingerprint(SMOKE, chosen)
    dose_only = replace(SMOKE, finetune=replace(SMOKE.finetune, steps=7))
    assert evaluation_fingerprint(dose_only, chosen) == evaluation_fingerprint(SMOKE, chosen)
    attack = ("benign", "raw", (6,))
    assert finetune_fingerprint(dose_only, chosen, *attack) != finetune_fingerprint(SMOKE, chosen, *attack)


def test_batch_size_of_decoding_changes_nothing() -> None:
    changed = replace(SMOKE, evaluation=replace(SMOKE.evaluation, batch_size=3))
    assert evaluation_fingerprint(changed, condition("raw")) == evaluation_fingerprint(SMOKE, condition("raw"))


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_survives_its_plain_values(name: str) -> None:
    assert from_dict(to_dict(PRESETS[name]), RunConfig) == PRESETS[name]
