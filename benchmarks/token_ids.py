"""Token ids straight from plans against tokenizing the rendered text, on one thread, with equal ids as a condition.

python -m benchmarks.token_ids --out token_ids.json
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from medsafetyworld.corpus.render import render
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.presets import preset
from medsafetyworld.training.token_ids import TokenTable
from medsafetyworld.training.tokenizer import build_tokenizer
from medsafetyworld.world.world import World

REPEATS = 5


def measure(name: str, condition: str, documents: int) -> dict[str, Any]:
    """Return ids a second of both ways, their ratio, and peak memory."""
    config = preset(name)
    world = World.generate(config.world)
    corpus = Corpus(world, condition, config.corpus)
    tokenizer = build_tokenizer(world)
    table = TokenTable(tokenizer, corpus.library, world.names)
    plan = corpus.plan(np.arange(min(documents, len(corpus)), dtype=np.int64))
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        ids, offsets = table.ids(plan)
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    texts = render(plan, corpus.library, world.names)
    rendered = time.perf_counter() - start
    start = time.perf_counter()
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    tokenized = time.perf_counter() - start
    if [token for text in encoded for token in text] != ids.tolist():
        raise SystemExit("ids from the plan differ from those of the tokenizer")
    ours = float(np.median(seconds))
    return {
        "preset": name,
        "condition": condition,
        "documents": len(offsets) - 1,
        "tokens": len(ids),
        "ids_per_second": round(len(ids) / ours),
        "tokenizing_ids_per_second": round(len(ids) / (rendered + tokenized)),
        "ratio": round((rendered + tokenized) / ours, 1),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--condition", default="reflection")
    parser.add_argument("--documents", type=int, default=24_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    result = measure(given.preset, given.condition, given.documents)
    print(json.dumps(result, indent=1))
    if given.out is not None:
        given.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
