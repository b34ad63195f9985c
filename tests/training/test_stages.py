from __future__ import annotations

import copy
import signal
from dataclasses import replace

import pytest
import torch

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.training.precision import Precision
from medsafetyworld.training.stages import finetune, posttrain, pretrain, pretraining_steps

FLOAT32 = Precision("cpu", "float32", 1, 1.0, 1.0)


def equal(one, two):
    return all(torch.equal(tensor, two.state_dict()[name]) for name, tensor in one.state_dict().items())


@pytest.fixture(scope="module")
def pretrained(config, tokenizer, packed):
    return pretrain(config, packed("reflection"), vocabulary_size=len(tokenizer), precision=FLOAT32)


def test_pretraining_is_one_pass(config, packed, pretrained):
    model, summary = pretrained
    rows = len(packed("reflection"))
    assert summary.steps == pretraining_steps(config, packed("reflection")) == -(-rows // config.pretrain.batch_size)
    assert not model.training
    assert summary.final_loss < 6


def test_configured_steps_may_take_more_than_one_pass(config, tokenizer, packed):
    short = replace(config, pretrain=replace(config.pretrain, steps=2, batch_size=len(packed("filtered"))))
    _, summary = pretrain(short, packed("filtered"), vocabulary_size=len(tokenizer), precision=FLOAT32)
    assert summary.tokens == 2 * packed("filtered").rows(0, len(packed("filtered"))).tokens


def test_post_training_and_attacks_change_the_model_in_place(config, world, tokenizer, packed, pretrained):
    chosen = condition("reflection")
    start = pretrained[0]
    model = copy.deepcopy(start)
    summary = posttrain(config, world, chosen, model, tokenizer, packed("reflection"), precision=FLOAT32)
    assert summary.steps == config.sft.steps
    assert not equal(start, model)
    steps = []
    before = copy.deepcopy(model)
    attack = {"kind": "adversarial", "handling": "reflect", "precision": FLOAT32}
    summary = finetune(config, world, chosen, model, tokenizer, snapshot_steps=(2, 6), on_snapshot=steps.append, **attack)
    assert steps == [2, 6]
    assert summary.steps == config.finetune.steps
    assert not equal(before, model)


def test_an_interrupted_stage_goes_on_exactly(config, world, tokenizer, packed, pretrained, tmp_path):
    chosen = condition("reflection")
    whole, parts = copy.deepcopy(pretrained[0]), copy.deepcopy(pretrained[0])
    posttrain(config, world, chosen, whole, tokenizer, packed("reflection"), precision=FLOAT32)

    def stop(progress):
        signal.raise_signal(signal.SIGINT)

    arguments = (config, world, chosen, parts, tokenizer, packed("reflection"))
    with pytest.raises(KeyboardInterrupt):
        posttrain(*arguments, out=tmp_path, precision=FLOAT32, on_progress=stop)
    posttrain(*arguments, out=tmp_path, precision=FLOAT32)
    assert equal(whole, parts)
