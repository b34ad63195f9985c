"""What a run would cost, from a measured probe: runs, tokens, FLOPs, memory and time. Trains nothing that is kept."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import require
from medsafetyworld.pipeline.experiment import default_workers
from medsafetyworld.pipeline.fingerprint import pretrain_fingerprint
from medsafetyworld.pipeline.tasks import finetune_plan
from medsafetyworld.presets import RunConfig, with_seed
from medsafetyworld.training.config import ModelConfig
from medsafetyworld.world.world import World

PROBE_STEPS = 12
"""Measured training steps; the first two are left out, since they allocate."""
SAMPLED_DOCUMENTS = 20_000
"""Documents whose tokens are counted to estimate a corpus."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What was measured on this machine: tokens a second of one process, and its peak memory in bytes."""

    tokens_per_second: float
    peak_bytes: int


def parameters(config: ModelConfig, vocabulary: int) -> int:
    """Return the number of parameters of a Llama-style model (its norms included)."""
    key_value = (config.key_value_heads or config.heads) * (config.width // config.heads)
    layer = 2 * config.width**2 + 2 * config.width * key_value + 3 * config.width * config.feed_forward + 2 * config.width
    return config.layers * layer + config.width + vocabulary * config.width * (1 if config.tie_embeddings else 2)


def flops_per_token(config: ModelConfig, vocabulary: int, sequence_length: int) -> int:
    """Return training FLOPs a token: 6 a weight that multiplies (the output layer too), 12 x layers x width x length for attention."""
    multiplied = parameters(config, vocabulary) - (0 if config.tie_embeddings else vocabulary * config.width)
    return 6 * multiplied + 12 * config.layers * config.width * sequence_length


def print_plan(config: RunConfig, conditions: Sequence[str], seeds: Sequence[int], *, device: str, workers: int | None) -> None:
    """Print what training the conditions on the seeds would take on this machine."""
    from medsafetyworld.training.token_ids import TokenTable
    from medsafetyworld.training.tokenizer import build_tokenizer

    count = default_workers(device) if workers is None else workers
    require(count >= 1, "workers", "an int of at least 1", count)
    config = with_seed(config, seeds[0])
    world = World.generate(config.world)
    tokenizer = build_tokenizer(world)
    vocabulary, length = len(tokenizer), config.pretrain.sequence_length
    probe = measure(config, world, device)
    cost = flops_per_token(config.model, vocabulary, length)
    size = f"{len(seeds)} seeds x {len(conditions)} conditions, {parameters(config.model, vocabulary):,} parameters; tokens of one seed"
    table = Table(title=size, box=box.SIMPLE_HEAD)
    table.add_column("condition", overflow="fold", min_width=max(map(len, conditions)))
    for column in ("runs", "pre-\ntraining", "post-\ntraining", "fine-\ntuning", "TFLOPs", "minutes"):
        table.add_column(column, justify="right")
    seen: set[str] = set()
    total_seconds = total_flops = 0.0
    for name in conditions:
        chosen = condition(name)
        shared = pretrain_fingerprint(config, chosen) in seen
        seen.add(pretrain_fingerprint(config, chosen))
        corpus = Corpus(world, condition(chosen.corpus), config.corpus)
        tokens_of = TokenTable(tokenizer, corpus.library, world.names)
        sampled = min(len(corpus), SAMPLED_DOCUMENTS)
        lengths = tokens_of.document_lengths(corpus.plan(corpus.training_order(0, sampled)))
        pretrain = 0 if shared else round(float((lengths + (lengths > 0)).sum()) / sampled * len(corpus))
        if config.pretrain.steps is not None and not shared:
            pretrain = config.pretrain.steps * config.pretrain.batch_size * length
        sft = (config.sft.steps or 0) * config.sft.batch_size * length
        doses = [max(steps) for _, _, steps in finetune_plan(config)]
        finetune = sum(doses) * config.finetune.batch_size * length
        tokens = pretrain + sft + finetune
        seconds, flops = tokens * len(seeds) / probe.tokens_per_second / count, tokens * len(seeds) * cost
        total_seconds, total_flops = total_seconds + seconds, total_flops + flops
        runs = "shared" if shared else str(len(seeds))
        table.add_row(name, runs, f"{pretrain:,}", f"{sft:,}", f"{finetune:,}", f"{flops / 1e12:,.1f}", f"{seconds / 60:.1f}")
    table.add_section()
    table.add_row("all", "", "", "", "", f"{total_flops / 1e12:,.1f}", f"{total_seconds / 60:.1f}")
    console = Console()
    console.print(table)
    console.print(
        f"Measured: {probe.tokens_per_second:,.0f} tokens/s and {probe.peak_bytes / 2**30:.1f} GiB a process on {device}, "
        f"{count} processes. "
        "Token counts are of one seed's world, post-training rows counted at full length; evaluation comes on top.",
        highlight=False,
    )


def measure(config: RunConfig, world: World, device: str) -> Probe:
    """Train a throw-away model for a few steps on random tokens and return its speed and peak memory."""
    import torch

    from medsafetyworld.training.loss import next_token_loss, to_batch
    from medsafetyworld.training.model import build_model
    from medsafetyworld.training.optimizers import build_optimizers
    from medsafetyworld.training.packing import Rows
    from medsafetyworld.training.precision import prepare_cpu
    from medsafetyworld.training.tokenizer import build_tokenizer

    prepare_cpu()
    threads = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    vocabulary = len(build_tokenizer(world))
    shape = (config.pretrain.batch_size, config.pretrain.sequence_length)
    ids = np.random.default_rng(0).integers(0, vocabulary, shape).astype(np.int32)
    positions = np.broadcast_to(np.arange(shape[1], dtype=np.int32), shape)
    batch = to_batch(Rows(ids, positions, ids), device)
    model = build_model(config.model, vocabulary, 0, end_of_text_id=0, padding_id=0, device=device).train()
    optimizers = build_optimizers(model, config.pretrain)
    seconds = []
    for _ in range(PROBE_STEPS):
        start = time.perf_counter()
        loss = next_token_loss(model, batch)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        loss.item()
        seconds.append(time.perf_counter() - start)
    peak = torch.cuda.max_memory_allocated() if device != "cpu" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    torch.set_num_threads(threads)
    return Probe(ids.size / float(np.median(seconds[2:])), peak)
