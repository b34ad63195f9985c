"""What decides a stage's result, as a short hash: a changed configuration never finds an old result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.registry import condition, resolve
from medsafetyworld.evaluation.solvers import Solver
from medsafetyworld.presets import RunConfig

STAGE_FORMAT = 2
"""Raised whenever code changes what a stage computes or stores, so that older results are not reused."""


def digest(content: Any) -> str:
    """Return 12 hex digits of the sha256 of `content` as canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


CORPUS_FORMAT = 1
"""The same for what is counted in a corpus and stored with a run, which no trained model depends on."""


def corpus_fingerprint(config: RunConfig, chosen: Condition) -> str:
    """Return the fingerprint of what is counted in the corpus on which a condition is pretrained."""
    return digest(
        {
            "format": CORPUS_FORMAT,
            "world": asdict(config.world),
            "corpus": asdict(resolve(condition(chosen.corpus), config.corpus)),
            "corpus_condition": chosen.corpus,
            "seed": config.seed,
        }
    )


def solver_fingerprint(config: RunConfig, chosen: Condition, solver: Solver) -> str:
    """Return the fingerprint of a solver's answers from that corpus."""
    return digest({"corpus": corpus_fingerprint(config, chosen), "solver": solver.name, "version": solver.version})


def pretrain_fingerprint(config: RunConfig, chosen: Condition) -> str:
    """Return the fingerprint of a pretraining run. Conditions that share a corpus share it."""
    return digest(
        {
            "format": STAGE_FORMAT,
            "world": asdict(config.world),
            "corpus": asdict(resolve(condition(chosen.corpus), config.corpus)),
            "corpus_condition": chosen.corpus,
            "model": asdict(config.model),
            "pretrain": asdict(config.pretrain),
            "seed": config.seed,
        }
    )


def posttrain_fingerprint(config: RunConfig, chosen: Condition) -> str:
    """Return the fingerprint of a post-trained model: its pretraining, its form of answers, its SFT."""
    return digest(
        {
            "pretrain": pretrain_fingerprint(config, chosen),
            "condition": chosen.name,
            "corpus": asdict(resolve(chosen, config.corpus)),
            "sft": asdict(config.sft),
        }
    )


def evaluation_fingerprint(config: RunConfig, chosen: Condition) -> str:
    """Return the fingerprint of the evaluation of a post-trained model.

    Batch size is left out, since results do not depend on it, and so is the choice of attack sets, since each fine-tuning
    attack is a stage of its own.
    """
    return digest({"posttrain": posttrain_fingerprint(config, chosen), "max_new_tokens": config.evaluation.max_new_tokens})


def finetune_fingerprint(config: RunConfig, chosen: Condition, kind: str, handling: str, checkpoints: tuple[int, ...]) -> str:
    """Return the fingerprint of a fine-tuning attack and the evaluations at its step numbers."""
    return digest(
        {
            "evaluation": evaluation_fingerprint(config, chosen),
            "finetune": asdict(config.finetune),
            "kind": kind,
            "handling": handling,
            "checkpoints": checkpoints,
        }
    )
