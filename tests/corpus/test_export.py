"""Corpus directories."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig, FilterConfig, ReflectionConfig, export
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


def test_another_corpus_is_never_mixed_in(two_hop: World, tmp_path: Path) -> None:
    Corpus(two_hop, "raw", CONFIG).write(tmp_path / "corpus")
    before = contents(tmp_path)
    with pytest.raises(DataError, match=r"condition must be 'filtered'\. Got 'raw'"):
        Corpus(two_hop, "filtered", CONFIG).write(tmp_path / "corpus")
    with pytest.raises(DataError, match=r"config\.reflection\.style must be 'category'. Got 'label'"):
        Corpus(two_hop, "raw", replace(CONFIG, reflection=ReflectionConfig(style="category"))).write(tmp_path / "corpus")
    with pytest.raises(DataError, match=r"shard_documents must be 40\. Got 50000"):
        export.write(Corpus(two_hop, "raw", CONFIG), tmp_path / "corpus", shard_documents=40)
    assert contents(tmp_path) == before


def test_other_templates_are_another_corpus(two_hop: World, tmp_path: Path) -> None:
    corpus = Corpus(two_hop, "raw", CONFIG)
    corpus.write(tmp_path / "corpus")
    corpus.library = replace(corpus.library, fragments=corpus.library.fragments[:-1])
    with pytest.raises(DataError, match="templates_hash must be"):
        corpus.write(tmp_path / "corpus")


def test_lost_shards_are_named_and_written_again(world: World, tmp_path: Path) -> None:
    corpus = Corpus(world, "reflection", CONFIG)
    export.write(corpus, tmp_path / "corpus", shard_documents=25)
    before = contents(tmp_path / "corpus")
    data = tmp_path / "corpus" / "data"
    (data / "corpus-00001.parquet").unlink()
    (data / "corpus-00003.parquet").write_bytes(b"")
    seen: list[export.Shard] = []
    export.write(corpus, tmp_path / "corpus", shard_documents=25, watch=seen.append)
    assert [shard.state for shard in seen] == ["kept", "missing", "kept", "damaged", "kept", "kept"]
    assert seen[1].record["file"] == "data/corpus-00001.parquet"
    assert contents(tmp_path / "corpus") == before


def test_shards_that_hold_no_document_are_written_as_well(two_hop: World, tmp_path: Path) -> None:
    nothing = CorpusConfig(documents=30, filter=FilterConfig(unit="document", false_positive_rate=1.0))
    export.write(Corpus(two_hop, "filtered", nothing), tmp_path / "corpus", shard_documents=10)
    manifest = json.loads((tmp_path / "corpus" / "manifest.json").read_text())
    assert (manifest["rows"], manifest["text_bytes"], len(manifest["shards"])) == (0, 0, 3)
    assert pq.read_table(tmp_path / "corpus" / "data").num_rows == 0


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


def test_shards_without_a_manifest_are_left_alone(two_hop: World, tmp_path: Path) -> None:
    """Nothing tells whose they are."""
    corpus = Corpus(two_hop, "raw", CONFIG)
    corpus.write(tmp_path / "corpus")
    (tmp_path / "corpus" / "manifest.json").unlink()
    before = contents(tmp_path)
    with pytest.raises(DataError, match="or hold a manifest"):
        corpus.write(tmp_path / "corpus")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"shards": 3}'])
def test_a_manifest_that_is_none_is_left_alone(two_hop: World, tmp_path: Path, text: str) -> None:
    corpus = Corpus(two_hop, "raw", CONFIG)
    corpus.write(tmp_path / "corpus")
    (tmp_path / "corpus" / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"manifest\.json must be|the same settings"):
        corpus.write(tmp_path / "corpus")
    assert (tmp_path / "corpus" / "manifest.json").read_text() == text


def test_a_manifest_that_leaves_out_shards_is_refused(two_hop: World, tmp_path: Path) -> None:
    corpus = Corpus(two_hop, "raw", CONFIG)
    corpus.write(tmp_path / "corpus")
    path = tmp_path / "corpus" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "shards": []}))
    with pytest.raises(DataError, match="must list every shard"):
        corpus.write(tmp_path / "corpus")


def test_names_of_shards_sort_as_their_numbers(two_hop: World) -> None:
    corpus = Corpus(two_hop, "raw", CorpusConfig(documents=10**9))
    assert export.shard_name(corpus, 50_000, 7) == "corpus-00007.parquet"
    assert export.shard_name(corpus, 1_000, 7) == "corpus-000007.parquet"


def test_columns_of_a_shard_have_the_types_of_the_schema(two_hop: World, tmp_path: Path) -> None:
    Corpus(two_hop, "reflection", CONFIG).write(tmp_path / "corpus")
    assert pq.read_schema(tmp_path / "corpus" / "data" / "corpus-00000.parquet").equals(export.SCHEMA)


@pytest.mark.parametrize("workers", [0, -1, 1.5])
def test_workers_must_be_a_positive_number(two_hop: World, tmp_path: Path, workers: int) -> None:
    with pytest.raises(ConfigError, match="workers must be an int of at least 1"):
        Corpus(two_hop, "raw", CONFIG).write(tmp_path / "corpus", workers=workers)
