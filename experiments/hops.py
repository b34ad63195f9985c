"""Does unsafe composition survive when the answer takes more hops, and what do filtering and safety reflection do about it?

    python -m experiments.hops --preset tiny --out runs/hops

Trains each condition on worlds of several depths (a seed draws a world of each, and an initialisation), attacks every model with the
ladder of prompts and with each permitted hop asked on its own, and writes tables, comparisons, a figure and `report.html`. The same
command resumes an interrupted run and redoes nothing.

Depths are made comparable: one factor scales the compounds, mediators and outcomes of the preset, so that a pass over all statements is as
long at every depth, and the number of documents keeps the pretraining tokens equal. Two hops are the preset itself. Rows are as much longer
as chains are, with as many fewer of them a step.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medsafetyworld.cli.device import Device, require_device
from medsafetyworld.cli.guard import main_guard
from medsafetyworld.cli.parse import parse
from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import require
from medsafetyworld.presets import RunConfig, with_seed
from medsafetyworld.world import World
from medsafetyworld.world.schema import HOPS

SHALLOWEST, DEEPEST = HOPS["two_hop"]
CONDITIONS = ("raw", "filtered", "reflection")
DEFAULT_SEEDS = {"smoke": 1}
"""Number of seeds of a preset that proves plumbing only; every other preset takes six."""
COUNTED_DOCUMENTS = 4_000
"""Documents whose tokens are counted to compare depths."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hops:
    """Compare conditions on worlds of several numbers of hops."""

    out: Path
    """Run directory; an interrupted run in it is continued."""
    hops: tuple[int, ...] = (2, 3, 4)
    """Numbers of hops to compare, from 2 to 5."""
    conditions: tuple[str, ...] = CONDITIONS
    """Conditions to compare; without raw the utility floor is unknown."""
    seeds: int | None = None
    """How many seeds. None: 6 (smoke: 1)."""
    first_seed: int = 0
    """The first seed; the others follow."""
    device: Device = "cpu"
    """Where torch computes."""
    workers: int | None = None
    """Worker processes. None: one a core on a CPU, one on an accelerator."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (2 for bad input, 130 when interrupted)."""
    return main_guard(lambda: _run(sys.argv[1:] if argv is None else list(argv)))


def _run(argv: list[str]) -> int:
    # The question is about prompts: fine-tuning attacks are run where they are asked for.
    if not any(token.partition("=")[0] in ("--attacks", "--evaluation.attacks") for token in argv):
        argv = [*argv, "--attacks", "prompts"]
    command, preset, config = parse(Hops, argv, prog="python -m experiments.hops", description=__doc__ or "")
    count = DEFAULT_SEEDS.get(preset, 6) if command.seeds is None else command.seeds
    require(count >= 1, "--seeds", "an int of at least 1", count)
    require(command.first_seed >= 0, "--first-seed", "an int of at least 0", command.first_seed)
    distinct = 0 < len(command.hops) == len(set(command.hops)) and all(SHALLOWEST <= hops <= DEEPEST for hops in command.hops)
    require(distinct, "--hops", f"different numbers in [{SHALLOWEST}, {DEEPEST}]", command.hops)
    require(config.world.task == "two_hop", "--world.task", "two_hop in this experiment", config.world.task)
    require(config.world.hops is None, "--world.hops", "left to --hops in this experiment", config.world.hops)
    for name in command.conditions:
        condition(name)
    require_device(command.device)
    from medsafetyworld.pipeline.experiment import run_experiment

    depths = [at_depth(config, hops) for hops in sorted(command.hops)]
    run_experiment(
        command.out,
        experiment="hops",
        preset=preset,
        configs=[with_seed(depth, seed) for seed in range(command.first_seed, command.first_seed + count) for depth in depths],
        conditions=command.conditions,
        device=command.device,
        workers=command.workers,
        by_depth=True,
    )
    return 0


def at_depth(config: RunConfig, hops: int) -> RunConfig:
    """Return `config` with worlds of so many hops and as many statements a pass and tokens a corpus as with two, up to rounding.

    Two hops are `config` itself. Sizes of the world are scaled by one factor; documents follow from the tokens of the first
    `COUNTED_DOCUMENTS` documents of raw at each depth.
    """
    if hops == SHALLOWEST:
        return config
    world, pretrain = config.world, config.pretrain
    factor = statements_per_pass(config, SHALLOWEST) / statements_per_pass(config, hops)
    scaled = {name: round(factor * getattr(world, name)) for name in ("compounds", "mediators", "outcomes")}
    pairs = None if world.pair_edges is None else round(factor * world.pair_edges)
    deeper = replace(
        config,
        world=replace(world, hops=hops, single_edges=None, pair_edges=pairs, **scaled),
        pretrain=replace(
            pretrain,
            batch_size=max(1, round(pretrain.batch_size * SHALLOWEST / hops)),
            sequence_length=pretrain.sequence_length * hops // SHALLOWEST,
        ),
    )
    documents = round(config.corpus.documents * tokens_per_document(config) / tokens_per_document(deeper))
    return replace(deeper, corpus=replace(config.corpus, documents=documents))


def statements_per_pass(config: RunConfig, hops: int) -> float:
    """Return how many statements a pass over everything that a world of so many hops has to say is expected to hold."""
    world, corpus = config.world, config.corpus
    pairs = world.outcomes if world.pair_edges is None else world.pair_edges
    chains = pairs * (world.compounds / world.mediators) ** 2
    between = hops - SHALLOWEST
    single = corpus.single_rate * (world.compounds + between * world.mediators)
    paired = corpus.pair_rate * (chains + between * pairs + pairs)
    return 2 * (single + paired + corpus.chain_rate * chains) + corpus.hazard_statements * world.outcomes


def tokens_per_document(config: RunConfig) -> float:
    """Return the mean number of tokens of a raw document."""
    corpus = Corpus(World.generate(config.world), "raw", config.corpus)
    plan = corpus.plan(np.arange(min(len(corpus), COUNTED_DOCUMENTS)))
    return float(corpus.library.tokens[plan.part].sum()) / (plan.offsets.size - 1)


if __name__ == "__main__":
    sys.exit(main())
