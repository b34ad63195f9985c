"""Corpus directories."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig, export
from medsafetyworld.errors import ConfigError, DataError
from medsafetyworld.world import World

CONFIG = CorpusConfig(documents=130)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_rows_are_the_documents_that_are_not_empty(world: World, tmp_path: Path) -> None:
    corpus = Corpus(world, "reflection", CONFIG)
    export.write(corpus, tmp_path / "corpus", shard_documents=50)
    documents = [document for document in corpus if document.text]
    rows = [row for file in sorted((tmp_path / "corpus" / "data").iterdir()) for row in pq.read_table(file).to_pylist()]
    assert len(rows) == len(documents) < 130
    for row, document in zip(rows, documents, strict=True):
        assert (row["doc_id"], row["text"]) == (document.index, document.text)
        assert (tuple(row["segments"]), tuple(row["reflections"])) == (document.segments, document.reflections)
        for name in ("relation", "direction", "category", "harmful", "partial", "template", "statement"):
            assert row[name] == [getattr(statement, name) for statement in document.statements]
        assert row["entities"] == [list(statement.entities) for statement in document.statements]


def test_the_manifest_counts_and_fingerprints(world: World, tmp_path: Path) -> None:
    corpus = Corpus(world, "raw", CONFIG)
    export.write(corpus, tmp_path / "corpus", shard_documents=50)
    manifest = json.loads((tmp_path / "corpus" / "manifest.json").read_text())
    assert manifest["world_hash"] == world.content_hash
    assert (manifest["condition"], manifest["documents"]) == ("raw", 130)
    assert manifest["rows"] == sum(bool(document.text) for document in corpus)
    assert manifest["config"]["reflection"]["label_rule"] == "outcome"
    assert manifest["statements"] == sum(len(document.statements) for document in corpus)
    assert manifest["harmful_statements"] == sum(statement.harmful for document in corpus for statement in document.statements)
    assert [shard["documents"] for shard in manifest["shards"]] == [50, 50, 30]
    for shard in manifest["shards"]:
        assert shard["sha256"] == sha256((tmp_path / "corpus" / shard["file"]).read_bytes()).hexdigest()


def test_bytes_do_not_depend_on_workers(two_hop: World, tmp_path: Path) -> None:
    corpus = Corpus(two_hop, "constant_safe", CONFIG)
    export.write(corpus, tmp_path / "one", workers=1, shard_documents=40)
    export.write(corpus, tmp_path / "two", workers=2, shard_documents=40)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_writing_again_replaces_a_corpus(two_hop: World, tmp_path: Path) -> None:
    Corpus(two_hop, "raw", CONFIG).write(tmp_path / "corpus")
    Corpus(two_hop, "filtered", CONFIG).write(tmp_path / "corpus")
    assert json.loads((tmp_path / "corpus" / "manifest.json").read_text())["condition"] == "filtered"
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_what_is_not_a_corpus_is_left_alone(two_hop: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    corpus = Corpus(two_hop, "raw", CONFIG)
    with pytest.raises(DataError, match="Got the file"):
        corpus.write(tmp_path / "file")
    with pytest.raises(DataError, match=r"with 'notes\.txt'"):
        corpus.write(tmp_path / "folder")
    assert contents(tmp_path) == before


def test_a_failure_leaves_nothing_behind(two_hop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "_manifest", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Corpus(two_hop, "raw", CONFIG).write(tmp_path / "corpus")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [0, -1, 1.5])
def test_workers_must_be_a_positive_number(two_hop: World, tmp_path: Path, workers: int) -> None:
    with pytest.raises(ConfigError, match="workers must be an int of at least 1"):
        Corpus(two_hop, "raw", CONFIG).write(tmp_path / "corpus", workers=workers)
