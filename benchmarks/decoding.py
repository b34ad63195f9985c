"""Decoding speed and memory: this package's batched decoding against `model.generate`, a prompt at a time and in one batch.

    python -m benchmarks.decoding --out decoding.json
    python -m benchmarks.decoding --checkpoint RUN/checkpoints/NAME --seed 1 --out decoding.json

The prompts are those of one evaluation of the preset's world. Without a checkpoint the model has random weights and one token in
thirty-two ends a completion, so that rows end at different lengths as a trained model's do. Each way runs in a process of its own on
one thread; all must write the same tokens.
"""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import tyro

from medsafetyworld.presets import preset, with_seed

Ids = list[list[int]]
STOP_SHARE = 1 / 32
"""Share of the vocabulary that ends a completion of random weights."""
LOUDNESS = 10.0
"""Random weights are scaled by this, so that completions differ from prompt to prompt."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Compare ways of decoding."""

    out: Path
    """JSON file to write."""
    preset: str = "tiny"
    """Preset whose world, model shape and evaluation settings are used."""
    checkpoint: Path | None = None
    """Checkpoint of a model that was trained on this world; None: random weights."""
    seed: int = 0
    """Seed of the world."""
    repeats: int = 5
    """Times that each way runs after a warm-up, the fastest of which counts; the prompt-at-a-time loop runs once."""


@dataclass(frozen=True)
class Measured:
    """One way of decoding."""

    seconds: float
    new_tokens_per_second: float
    peak_mib: float
    """Largest resident memory of the process."""
    completions: Ids


def main(settings: Settings) -> None:
    """Run every way in a fresh process, check that they agree, and write the comparison."""
    measured: dict[str, Measured] = {}
    for way in WAYS:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            measured[way] = pool.submit(measure, way, settings).result()
    ours = measured["medsafetyworld"]
    differing = {way: sum(a != b for a, b in zip(found.completions, ours.completions, strict=True)) for way, found in measured.items()}
    result = {
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": 1,
        "settings": asdict(settings),
        "prompts": len(ours.completions),
        "new_tokens": sum(map(len, ours.completions)),
        "ways": {
            way: {
                "seconds": round(found.seconds, 3),
                "new_tokens_per_second": round(found.new_tokens_per_second, 1),
                "peak_mib": round(found.peak_mib, 1),
                "times_slower": round(found.seconds / ours.seconds, 2),
                "completions_that_differ": differing[way],
            }
            for way, found in measured.items()
        },
    }
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(result, indent=1, default=str) + "\n")
    print(json.dumps(result["ways"], indent=1))


def measure(way: str, settings: Settings) -> Measured:
    """Decode all prompts in one way."""
    import torch

    torch.set_num_threads(1)
    model, prompts, stops, padding = prepare(settings)
    limit = preset(settings.preset).evaluation.max_new_tokens
    decode = WAYS[way]
    repeats = 1 if decode is one_by_one else settings.repeats
    decode(model, prompts[:8], stops, padding, limit)
    times, completions = [], []
    for _ in range(repeats):
        started = time.perf_counter()
        completions = decode(model, prompts, stops, padding, limit)
        times.append(time.perf_counter() - started)
    tokens = sum(map(len, completions))
    return Measured(min(times), tokens / min(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, completions)


def prepare(settings: Settings) -> tuple[Any, Ids, set[int], int]:
    """Return the model, the prompts of an evaluation, and the ids that stop and that pad."""
    import torch

    from medsafetyworld.attacks.registry import ATTACKS, ladder
    from medsafetyworld.evaluation.completions import encode, end_id
    from medsafetyworld.evaluation.judged import BENIGN_CATEGORIES
    from medsafetyworld.training.checkpoint import load_checkpoint
    from medsafetyworld.training.model import build_model
    from medsafetyworld.training.tokenizer import build_tokenizer
    from medsafetyworld.world.world import World

    config = with_seed(preset(settings.preset), settings.seed)
    world = World.generate(config.world)
    if settings.checkpoint is None:
        tokenizer = build_tokenizer(world)
        words = len(tokenizer)
        model = build_model(config.model, words, 0, end_of_text_id=end_id(tokenizer), padding_id=int(tokenizer.pad_token_id or 0)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(LOUDNESS if parameter.ndim > 1 else 1.0)
        stops = set(range(0, words, round(1 / STOP_SHARE)))
    else:
        model, tokenizer = load_checkpoint(settings.checkpoint)
        stops = {end_id(tokenizer)}
    texts = [a.attempt(world, q).text for a in ladder(world.config.task) for q in world.queries("reverse_unsafe", "heldout")]
    texts += [ATTACKS["direct"].attempt(world, q).text for c in BENIGN_CATEGORIES for q in world.queries(c, "heldout")]
    return model, encode(tokenizer, texts), stops, int(tokenizer.pad_token_id or 0)


def ours(model: Any, prompts: Ids, stops: set[int], padding: int, limit: int) -> Ids:
    """Decode as an evaluation does."""
    from medsafetyworld.evaluation.decoding import generate

    return generate(model, prompts, max_new_tokens=limit, stop_ids=stops, pad_id=padding)


def one_by_one(model: Any, prompts: Ids, stops: set[int], padding: int, limit: int) -> Ids:
    """Call `model.generate` for each prompt: the usual loop."""
    return [batched(model, [prompt], stops, padding, limit)[0] for prompt in prompts]


def batched(model: Any, prompts: Ids, stops: set[int], padding: int, limit: int) -> Ids:
    """Call `model.generate` once, all prompts padded on the left."""
    import torch

    longest = max(map(len, prompts))
    ids = torch.tensor([[padding] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    with torch.inference_mode():
        output = model.generate(
            ids, attention_mask=mask, max_new_tokens=limit, do_sample=False, eos_token_id=sorted(stops), pad_token_id=padding
        )
    return [_until_stop(row, stops) for row in output[:, longest:].tolist()]


def _until_stop(ids: list[int], stops: set[int]) -> list[int]:
    end = next((position + 1 for position, token in enumerate(ids) if token in stops), len(ids))
    return ids[:end]


WAYS: dict[str, Callable[[Any, Ids, set[int], int, int], Ids]] = {
    "medsafetyworld": ours,
    "generate, one batch": batched,
    "generate, one prompt at a time": one_by_one,
}

if __name__ == "__main__":
    main(tyro.cli(Settings))
