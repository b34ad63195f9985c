"""Worlds, documents, token ids, exports and certificates a second, at multiples of the paper's two-hop world, and beside phantom-wiki.

python -m benchmarks.generate --scales 1 10 100 --out generate.json
python -m benchmarks.generate --scales 1 --phantom-python .phantom/bin/python

Every measurement is a process of its own, so that its peak memory is its own. Rates are by the processor time of that one process and its
one thread, and so a core's; on an idle machine it equals the wall time, which is given as well. Without --phantom-python, phantom-wiki is
installed into a temporary environment by the first Python that it supports (it needs SWI-Prolog as well); where that fails, the result says
why and holds no figures of it.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.certificate import certificates
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.presets import preset
from medsafetyworld.world import Query, World, WorldConfig

CONDITION = "filtered"
STATEMENTS = 5
"""Largest number of statements of a document: on average three, which make about 40 tokens."""
CHUNK = 50_000
REPEATS = 3
"""Passes over the documents, of which the fastest counts: whatever else runs on a machine only ever slows one down."""
PHANTOM_ENTITIES = 10_000
Row = dict[str, Any]


def config_of(scale: float) -> WorldConfig:
    """Return the paper's world with every count multiplied."""
    paper = preset("paper").world
    counts = {name: round(getattr(paper, name) * scale) for name in ("compounds", "mediators", "outcomes", "pair_edges")}
    return replace(paper, **counts)


@contextmanager
def timed(row: Row, name: str = "") -> Iterator[None]:
    """Add wall and processor seconds of a block to a row."""
    start = time.perf_counter(), time.process_time()
    yield
    row[f"{name}seconds"] = time.perf_counter() - start[0]
    row[f"{name}cpu_seconds"] = time.process_time() - start[1]


def fastest(row: Row, work: Callable[[], int]) -> int:
    """Do some work `REPEATS` times, add the seconds of the fastest pass to a row, and return what the work returned."""
    passes: list[Row] = [{} for _ in range(REPEATS)]
    for one in passes:
        with timed(one):
            done = work()
    row |= min(passes, key=lambda one: float(one["cpu_seconds"]))
    return done


def corpus_of(scale: float, documents: int) -> Corpus:
    """Return a corpus of the world at `scale`, opened: what it computes once is computed."""
    corpus = Corpus(World.generate(config_of(scale)), CONDITION, CorpusConfig(documents=documents, statements_per_document=STATEMENTS))
    corpus.texts(np.arange(1))
    return corpus


def chunks(documents: int) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of so many documents, a chunk at a time."""
    return (np.arange(start, min(start + CHUNK, documents)) for start in range(0, documents, CHUNK))


def measure_world(scale: float, documents: int) -> Row:
    """Time a world with its names, facts of all relations, splits and queries."""
    row: Row = {}
    with timed(row):
        world = World.generate(config_of(scale))
        facts = sum(len(world.facts(relation)) for relation in world.relations)
        queries = len(world.query_columns.category)
    row |= {"entities": len(world.names), "facts": facts, "queries": queries}
    return row | {"facts_per_second": facts / row["cpu_seconds"], "entities_per_second": len(world.names) / row["cpu_seconds"]}


def measure_render(scale: float, documents: int) -> Row:
    """Time the texts of documents."""
    corpus, row = corpus_of(scale, documents), {"documents": documents}
    size = fastest(row, lambda: sum(len(text) for chunk in chunks(documents) for text in corpus.texts(chunk)))
    tokens = sum(int(corpus.library.tokens[corpus.plan(chunk).part].sum()) for chunk in chunks(documents))
    return row | {
        "tokens_per_document": tokens / documents,
        "documents_per_second": documents / row["cpu_seconds"],
        "documents_of_40_tokens_per_second": tokens / 40 / row["cpu_seconds"],
        "megabytes_per_second": size / 1e6 / row["cpu_seconds"],
    }


def measure_ids(scale: float, documents: int) -> Row:
    """Time planning documents and their token ids."""
    from medsafetyworld.training.token_ids import TokenTable
    from medsafetyworld.training.tokenizer import build_tokenizer

    corpus, row = corpus_of(scale, documents), {"documents": documents}
    with timed(row, "tokenizer_"):
        table = TokenTable(build_tokenizer(corpus.world), corpus.library, corpus.world.names)
    tokens = fastest(row, lambda: sum(len(table.ids(corpus.plan(chunk))[0]) for chunk in chunks(documents)))
    return row | {"ids_per_second": tokens / row["cpu_seconds"], "documents_per_second": documents / row["cpu_seconds"]}


def measure_export(scale: float, documents: int) -> Row:
    """Time the export to parquet by one worker."""
    corpus, row = corpus_of(scale, documents), {"documents": documents}
    with tempfile.TemporaryDirectory() as directory:
        with timed(row):
            corpus.write(Path(directory) / "corpus")
        written = sum(file.stat().st_size for file in Path(directory).rglob("*.parquet"))
    text = sum(len(text) for chunk in chunks(documents) for text in corpus.texts(chunk))
    return row | {
        "documents_per_second": documents / row["cpu_seconds"],
        "megabytes_of_text_per_second": text / 1e6 / row["cpu_seconds"],
        "parquet_bytes": written,
    }


def certify(world: World, corpus: Corpus, queries: Sequence[Query]) -> int:
    """Certify queries on a corpus; returns how many answers are derivable."""
    return sum(found.derivable for found in certificates(world, corpus, queries))


def measure_certify(scale: float, documents: int) -> Row:
    """Time counting what a corpus writes, and the certificates of all unsafe queries."""
    corpus = corpus_of(scale, documents)
    unsafe = [query for category in ("forward_unsafe", "reverse_unsafe") for query in corpus.world.queries(category)]
    row: Row = {"documents": documents, "unsafe_queries": len(unsafe)}
    with timed(row, "counting_"):
        _ = corpus.exposure
    with timed(row):
        row["derivable"] = certify(corpus.world, corpus, unsafe)
    return row | {"queries_per_second": len(unsafe) / row["cpu_seconds"]}


def measure_open(scale: float, documents: int) -> Row:
    """Time opening document 1,000,000,000 of a corpus of two billion, the first of the process and then another."""
    world, row = World.generate(config_of(scale)), {"documents": 2_000_000_000}
    with timed(row):
        corpus = Corpus(world, CONDITION, CorpusConfig(documents=2_000_000_000, statements_per_document=STATEMENTS))
        row["characters"] = len(corpus[1_000_000_000].text)
    with timed(row, "next_"):
        row["characters"] += len(corpus[1_234_567_890].text)
    return row


MEASURES: dict[str, Callable[[float, int], Row]] = {
    "world": measure_world,
    "render": measure_render,
    "ids": measure_ids,
    "export": measure_export,
    "certify": measure_certify,
    "open": measure_open,
}
GROWING = ("world", "certify", "open")
"""Measurements whose amount of work grows with the world; the others do the same number of documents at every scale."""


def in_a_process(measure: str, scale: float, documents: int) -> Row:
    """Return a measurement made in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.generate", "--measure", measure, "--scales", str(scale), "--documents", str(documents)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row: Row = json.loads(done.stdout)
    return row


def slopes(rows: Sequence[Row]) -> dict[str, float]:
    """Return the slope of log cost against log size for each measurement with two scales or more: 1 is linear, 0 is no growth."""
    found = {}
    for measure in MEASURES:
        own = [row for row in rows if row["measure"] == measure]
        if len(own) > 1:
            scale, cost = (np.log([row[name] for row in own]) for name in ("scale", "cpu_seconds"))
            found[measure] = float(np.polyfit(scale, cost, 1)[0])
    return found


def phantom(python: Path | None, entities: int) -> Row:
    """Return phantom-wiki's figures in the environment of `python`, or in a new one; or under "missing" why there are none."""
    if shutil.which("swipl") is None:
        return {"missing": "SWI-Prolog (swipl) is not installed, which phantom-wiki needs."}
    with tempfile.TemporaryDirectory() as directory:
        if python is None:
            base = next((found for name in ("python3.12", "python3.13", "python3") if (found := shutil.which(name))), sys.executable)
            python = Path(directory) / "bin" / "python"
            for command in ([base, "-m", "venv", directory], [str(python), "-m", "pip", "install", "--quiet", "phantom-wiki"]):
                done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
                if done.returncode:
                    return {"missing": f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}"}
        driver = Path(__file__).with_name("phantom_driver.py")
        done = subprocess.run([str(python), str(driver), "--entities", str(entities)], check=False, capture_output=True, text=True)
    if done.returncode:
        return {"missing": done.stderr.strip().splitlines()[-1]}
    row: Row = json.loads(done.stdout.strip().splitlines()[-1])
    return row


def beside_phantom(python: Path | None, documents: int) -> Row:
    """Return phantom-wiki's figures, ours at the same number of entities, and the ratios of the rates."""
    theirs = phantom(python, PHANTOM_ENTITIES)
    scale = PHANTOM_ENTITIES / sum(getattr(config_of(1), name) for name in ("compounds", "mediators", "outcomes"))
    row: Row = {
        "phantom_wiki": theirs,
        "world": in_a_process("world", scale, documents),
        "render": in_a_process("render", scale, documents),
    }
    if "missing" not in theirs:
        facts = theirs["facts"] / theirs["facts_cpu_seconds"]
        articles = theirs["documents"] / theirs["documents_cpu_seconds"]
        text = theirs["text_bytes"] / 1e6 / theirs["documents_cpu_seconds"]
        row["ratios"] = {
            "facts_per_second": row["world"]["facts_per_second"] / facts,
            "documents_per_second": row["render"]["documents_per_second"] / articles,
            "megabytes_per_second": row["render"]["megabytes_per_second"] / text,
        }
    return row


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--documents", type=int, default=200_000, help="documents rendered, tokenized, exported, certified")
    parser.add_argument("--phantom-python", type=Path, help="Python of an environment with phantom-wiki")
    parser.add_argument("--no-phantom", action="store_true", help="leave phantom-wiki out")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.measure is not None:
        row = MEASURES[given.measure](given.scales[0], given.documents)
        row |= {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        print(json.dumps({"measure": given.measure, "scale": given.scales[0], **row}))
        return
    rows = []
    for scale in given.scales:
        for measure in given.measures:
            rows.append(in_a_process(measure, scale, given.documents))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    result: Row = {
        "machine": {"platform": platform.platform(), "python": platform.python_version(), "numpy": np.__version__},
        "rows": rows,
        "slopes": slopes(rows),
    }
    if not given.no_phantom:
        result["beside_phantom_wiki"] = beside_phantom(given.phantom_python, given.documents)
    text = json.dumps(result, indent=1)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
