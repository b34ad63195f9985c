"""Cards: what outside readers make of a corpus directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig, export
from medsafetyworld.corpus.card import COLUMNS, write_family_card
from medsafetyworld.errors import DataError
from medsafetyworld.world import World

CONFIG = CorpusConfig(documents=120)


@pytest.fixture
def family(two_hop: World, tmp_path: Path) -> Path:
    """Return a folder of two corpora, and one that is none."""
    for condition in ("filtered", "reflection"):
        export.write(Corpus(two_hop, condition, CONFIG), tmp_path / "family" / condition, shard_documents=50)
    (tmp_path / "family" / "notes").mkdir()
    write_family_card(tmp_path / "family")
    return tmp_path / "family"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return `datasets`, with its cache in a temporary folder and no network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()
    return datasets


def rows_of(directory: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(directory / "data").to_pylist()
    return rows


def test_the_columns_are_explained() -> None:
    assert list(COLUMNS) == export.SCHEMA.names


def test_datasets_reads_a_corpus(family: Path, offline: Any, tmp_path: Path) -> None:
    read = offline.load_dataset(str(family / "filtered"), "filtered", split="train", cache_dir=str(tmp_path / "cache"))
    assert read.to_list() == rows_of(family / "filtered")


def test_datasets_reads_a_family_by_its_configs(family: Path, offline: Any, tmp_path: Path) -> None:
    assert offline.get_dataset_config_names(str(family)) == ["filtered", "reflection"]
    for name in ("filtered", "reflection"):
        read = offline.load_dataset(str(family), name, split="train", cache_dir=str(tmp_path / "cache"))
        assert read.to_list() == rows_of(family / name)


@pytest.mark.parametrize("place", ["", "reflection"])
def test_croissant_is_valid_and_reads_the_documents(family: Path, place: str) -> None:
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(family / place / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    missing = {issue.split('"')[1] for issue in dataset.metadata.ctx.issues.warnings}
    assert missing <= {"https://schema.org/datePublished"}  # a date would make the bytes differ from run to run
    read = [{key.split("/", 1)[1]: value for key, value in record.items()} for record in dataset.records("reflection")]
    assert [plain(record) for record in read] == rows_of(family / "reflection")


def plain(value: Any) -> Any:
    """Return what mlcroissant reads with its bytes as text and its arrays as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


def test_hashes_of_the_metadata_are_those_of_the_manifest(family: Path) -> None:
    metadata = json.loads((family / "croissant.json").read_text())
    listed = {entry["@id"]: entry["sha256"] for entry in metadata["distribution"] if entry["@type"] == "cr:FileObject"}
    manifests = {name: json.loads((family / name / "manifest.json").read_text()) for name in ("filtered", "reflection")}
    assert listed == {f"{name}/{shard['file']}": shard["sha256"] for name, manifest in manifests.items() for shard in manifest["shards"]}


def test_a_family_card_can_be_written_again(family: Path) -> None:
    before = (family / "README.md").read_bytes()
    assert write_family_card(family) == ("filtered", "reflection")
    assert (family / "README.md").read_bytes() == before


def test_what_others_wrote_is_left_alone(family: Path) -> None:
    (family / "README.md").write_text("# My project\n")
    with pytest.raises(DataError, match=r"README\.md must be one that this command wrote"):
        write_family_card(family)
    assert (family / "README.md").read_text() == "# My project\n"


def test_a_family_has_a_corpus(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="which holds none"):
        write_family_card(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Got the file"):
        write_family_card(tmp_path / "file")
