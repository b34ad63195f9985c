"""One small world with its tokenizer and corpora, shared by the tests of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import torch

from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.presets import PRESETS, RunConfig
from medsafetyworld.training.pretraining_data import PackedCorpus
from medsafetyworld.training.tokenizer import build_tokenizer
from medsafetyworld.world.world import World


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def config() -> RunConfig:
    smoke = PRESETS["smoke"]
    return replace(smoke, corpus=replace(smoke.corpus, documents=300))


@pytest.fixture(scope="session")
def world(config) -> World:
    return World.generate(config.world)


@pytest.fixture(scope="session")
def tokenizer(world):
    return build_tokenizer(world)


@pytest.fixture(scope="session")
def packed(config, world, tokenizer) -> Callable[[str], PackedCorpus]:
    @cache
    def make(condition: str) -> PackedCorpus:
        return PackedCorpus(Corpus(world, condition, config.corpus), tokenizer, config.pretrain)

    return make
