"""The experiment's training (one process a core, one thread each) against the plain loop on the same cores, in one run.

The plain loop is what one writes first: `transformers`, one process, default threads, AdamW, a document a row, padded, logits and loss
at every position. Both see the same corpus; what counts is predicted tokens a second.

    python -m benchmarks.training --out training.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.presets import preset
from medsafetyworld.training.config import StageConfig
from medsafetyworld.world.world import World


def ours(name: str, steps: int) -> tuple[float, int]:
    """Return predicted tokens a second of one single-thread process, and its peak memory in bytes."""
    import torch

    from medsafetyworld.training.loop import train
    from medsafetyworld.training.model import build_model
    from medsafetyworld.training.precision import measure_precision
    from medsafetyworld.training.pretraining_data import PackedCorpus
    from medsafetyworld.training.tokenizer import build_tokenizer

    torch.set_num_threads(1)
    config = preset(name)
    world = World.generate(config.world)
    tokenizer = build_tokenizer(world)
    packed = PackedCorpus(Corpus(world, "filtered", config.corpus), tokenizer, config.pretrain)
    model = build_model(config.model, len(tokenizer), 0, end_of_text_id=packed.table.end_id, padding_id=packed.table.padding_id)
    size = config.pretrain.batch_size
    precision = measure_precision(model, packed.rows(0, size))

    def run(stage: StageConfig, count: int) -> float:
        summary = train(model, lambda step: packed.rows(step * size, (step + 1) * size), stage, count, precision=precision)
        return summary.tokens_per_second

    run(config.pretrain, 10)
    speed = run(config.pretrain, steps)
    return speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def plain(name: str, steps: int) -> tuple[float, int]:
    """Return the same of the plain loop."""
    import torch
    from torch.optim import AdamW

    from medsafetyworld.training.model import build_model
    from medsafetyworld.training.tokenizer import build_tokenizer

    config = preset(name)
    world = World.generate(config.world)
    tokenizer = build_tokenizer(world)
    corpus = Corpus(world, "filtered", config.corpus)
    end, padding = int(tokenizer.eos_token_id), int(tokenizer.pad_token_id)
    model = build_model(config.model, len(tokenizer), 0, end_of_text_id=end, padding_id=padding)
    optimizer = AdamW(model.parameters(), lr=3e-3)
    tokens, start, size = 0, 0.0, 2 * config.pretrain.batch_size
    for step in range(steps + 5):
        if step == 5:
            tokens, start = 0, time.perf_counter()
        texts = [document.text for document in (corpus[int(i)] for i in corpus.training_order(step * size, (step + 1) * size))]
        batch = tokenizer([f"{text} {tokenizer.eos_token}" for text in texts if text], padding=True, return_tensors="pt")
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens += int((labels[:, 1:] != -100).sum())
    return tokens / (time.perf_counter() - start), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str, steps: int) -> dict[str, Any]:
    """Run the plain loop, then one process a core, and return speeds, their ratio, and peak memory of a process."""
    context = multiprocessing.get_context("spawn")
    cores = len(os.sched_getaffinity(0))
    with context.Pool(1) as pool:
        plain_speed, plain_peak = pool.apply(plain, (name, steps))
    os.environ.update({"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"})
    with context.Pool(cores) as pool:
        each = pool.starmap(ours, [(name, steps)] * cores, chunksize=1)
    total = float(np.sum([speed for speed, _ in each]))
    return {
        "preset": name,
        "steps": steps,
        "cores": cores,
        "tokens_per_second": round(total),
        "plain_tokens_per_second": round(plain_speed),
        "ratio": round(total / plain_speed, 2),
        "peak_bytes_a_process": max(peak for _, peak in each),
        "plain_peak_bytes": plain_peak,
    }


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    result = measure(given.preset, given.steps)
    print(json.dumps(result, indent=1))
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
