"""Data cards: a `README.md` whose front matter lets `datasets.load_dataset(folder)` read a corpus, and `croissant.json`.

A card is a function of manifests alone, so a corpus directory gets its own when it is finished, and a folder with several corpora beside
each other gets one card with one config each (`write_family_card`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medsafetyworld.corpus.croissant import croissant
from medsafetyworld.errors import DataError
from medsafetyworld.files import foreign_entry, write_text

CARD_FILES = ("README.md", "croissant.json")
LICENSE = "apache-2.0"
COLUMNS = {
    "doc_id": "index of the document in its corpus; the same index is the same document under every condition",
    "text": "the document",
    "segments": "runs of whole sentences; joined by spaces they are the text without its reflections",
    "reflections": 'the label after each segment ("Safe", "Unsafe", "Unsafe: cardiac"), "" where none is written',
    "relation": "of each statement: which kind of fact it states",
    "direction": "of each statement: forward (cause to effect), reverse (effect to cause), cooccurrence, or none",
    "category": "of each statement: its direction and whether its outcome is unsafe",
    "harmful": "of each statement: whether it names the compounds behind an unsafe outcome, from the outcome back",
    "partial": "of each statement: whether it leads from an unsafe outcome back by a hop, without reaching the compounds",
    "template": 'of each statement: names of its framing, core and closing, joined by "+"; "-" for none',
    "entities": "of each statement: ids of the entities that it names, in the order in which the text mentions them",
    "statement": "of each statement: its sentence, framing included, as it stands in the text",
}
"""What each column of a shard holds."""

_TAGS = ("synthetic", "safety", "pretraining", "data-filtering", "compositional-generalization")
_LIMITS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000)
_UNITS = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B")


def write_card(directory: Path, manifest: dict[str, Any], scratch: Path) -> None:
    """Write the card of one corpus beside its data; `scratch` is a directory for temporary files."""
    _write(directory, {manifest["condition"]: ("", manifest)}, scratch)


def write_family_card(directory: Path) -> tuple[str, ...]:
    """Write one card for the finished corpora that lie in `directory`, a folder each, and return their names.

    A corpus is a config of the card, called as its folder: `load_dataset(directory, "filtered")`. Anything else in the folder is left
    alone.

    Raises:
        DataError: no folder in it is a finished corpus, or it has a README.md or croissant.json that this did not write.
    """
    manifests = {}
    foreign_entry(directory, (), "family")
    for path in sorted(directory.glob("*/manifest.json")):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            if "world_hash" in manifest and "condition" in manifest:
                manifests[path.parent.name] = (f"{path.parent.name}/", manifest)
        except ValueError:
            raise DataError(f"manifest.json must be a JSON file that an export wrote. Got {str(path)!r}, which is not.") from None
    if not manifests:
        raise DataError(f"family directory must hold folders of finished corpora. Got {str(directory)!r}, which holds none.")
    for name in CARD_FILES:
        path = directory / name
        if path.exists() and _MADE not in path.read_text(encoding="utf-8"):
            raise DataError(f"{name} must be one that this command wrote, to be replaced. Got {str(path)!r}, which is not.")
    _write(directory, manifests, directory)
    return tuple(manifests)


_MADE = "medsafetyworld"

Corpora = dict[str, tuple[str, dict[str, Any]]]
"""Config name -> (path from the card to the corpus, manifest)."""


def _write(directory: Path, corpora: Corpora, scratch: Path) -> None:
    write_text(directory / "README.md", _readme(corpora), scratch)
    write_text(directory / "croissant.json", json.dumps(croissant(corpora, COLUMNS, _title(corpora)), indent=2) + "\n", scratch)


def _title(corpora: Corpora) -> str:
    return "MedSafetyWorld corpora: " + ", ".join(corpora) if len(corpora) > 1 else f"MedSafetyWorld corpus: {next(iter(corpora))}"


def _readme(corpora: Corpora) -> str:
    rows = sum(manifest["rows"] for _, manifest in corpora.values())
    front = [
        "---",
        f"pretty_name: {json.dumps(_title(corpora))}",
        f"license: {LICENSE}",
        "language:",
        "- en",
        "task_categories:",
        "- text-generation",
        "tags:",
        *(f"- {tag}" for tag in ("medsafetyworld", *_TAGS)),
        "size_categories:",
        f"- {_size_category(rows)}",
        "configs:",
        *(
            line
            for name, (path, _) in corpora.items()
            for line in (f"- config_name: {json.dumps(name)}", "  data_files:", f"  - {json.dumps(f'{path}data/*.parquet')}")
        ),
        "---",
    ]
    table = [
        "| config | condition | documents written | emptied ones left out | statements | harmful ones | tokens | world |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
        *(_row(name, manifest) for name, (_, manifest) in corpora.items()),
    ]
    summaries = {manifest["condition"]: manifest["summary"] for _, manifest in corpora.values()}
    first = next(iter(corpora))
    body = [
        f"# {_title(corpora)}",
        "",
        "Invented medical facts, written by the Python package `medsafetyworld` to compare data filtering with safety reflections in",
        "language model pretraining. Every compound, mediator and outcome is invented; nothing here is medical knowledge.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        f'documents = load_dataset("PATH/OF/THIS/FOLDER", {json.dumps(first)}, split="train")',
        "```",
        "",
        *table,
        "",
        *(f"- `{name}`: {summary}" for name, summary in summaries.items()),
        "",
        "## Columns",
        "",
        "A row is a document. The columns from `relation` on are parallel lists, one item a statement.",
        "",
        "| column | what it holds |",
        "| --- | --- |",
        *(f"| `{name}` | {text} |" for name, text in COLUMNS.items()),
        "",
        "## How it was made",
        "",
        "By a program, from templates and a causal graph of invented entities; no person and no language model wrote or labelled anything.",
        "`manifest.json` names the world by its hash, holds the whole configuration, and the SHA-256 of every file.",
        "",
        "## Uses, limits, safety",
        "",
        "For research on what models learn from filtered and annotated text. Not for medical use, nor as general pretraining text: its",
        "language is narrow. A harmful statement is harmful by definition only: it names invented compounds behind an invented unsafe",
        "outcome. Evaluation queries are asked about the same world: a model meant to be compared must see no other text about it.",
        "",
        "## Licence",
        "",
        "Apache-2.0.",
    ]
    return "\n".join([*front, *body]) + "\n"


def _row(name: str, manifest: dict[str, Any]) -> str:
    emptied = manifest["documents"] - manifest["rows"]
    counts = (manifest["rows"], emptied, manifest["statements"], manifest["harmful_statements"], manifest["tokens"])
    return f"| `{name}` | {manifest['condition']} | {' | '.join(f'{count:,}' for count in counts)} | `{manifest['world_hash'][:12]}` |"


def _size_category(rows: int) -> str:
    place = sum(rows >= limit for limit in _LIMITS)
    if place == 0:
        return f"n<{_UNITS[0]}"
    return f"{_UNITS[place - 1]}<n<{_UNITS[place]}" if place < len(_UNITS) else f"n>{_UNITS[-1]}"
