"""The export as a datatrove step."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig, export
from medsafetyworld.world import World

pytest.importorskip("datatrove")

from datatrove.executor import LocalPipelineExecutor

from medsafetyworld.corpus.datatrove_step import WriteCorpus

CONFIG = CorpusConfig(documents=130)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_tasks_write_the_same_bytes_and_mend_them(two_hop: World, tmp_path: Path) -> None:
    two_hop.save(tmp_path / "world")
    export.write(Corpus(two_hop, "reflection", CONFIG), tmp_path / "plain", shard_documents=30)
    step = WriteCorpus(tmp_path / "world", "reflection", CONFIG, tmp_path / "corpus", 30)
    assert step.shards == 5

    def launch() -> None:
        LocalPipelineExecutor([step], tasks=3, workers=1, logging_dir=step.logging_dir(tmp_path / "logs"), skip_completed=False).run()

    launch()
    assert contents(tmp_path / "corpus") == contents(tmp_path / "plain")
    (tmp_path / "corpus" / "data" / "corpus-00004.parquet").write_bytes(b"")
    launch()
    assert contents(tmp_path / "corpus") == contents(tmp_path / "plain")


def test_tasks_that_are_not_all_there_leave_no_manifest(two_hop: World, tmp_path: Path) -> None:
    two_hop.save(tmp_path / "world")
    step = WriteCorpus(tmp_path / "world", "filtered", CONFIG, tmp_path / "corpus", 30)
    for rank in (2, 0):
        assert list(step.run(None, rank, 3)) == []
    assert not (tmp_path / "corpus" / "manifest.json").exists()
    assert list(step.run(["passed on"], 1, 3)) == ["passed on"]
    assert (tmp_path / "corpus" / "manifest.json").exists()


def test_logs_of_different_exports_lie_apart(two_hop: World, tmp_path: Path) -> None:
    two_hop.save(tmp_path / "world")
    steps = [
        WriteCorpus(tmp_path / "world", "filtered", CONFIG, tmp_path / "corpus"),
        WriteCorpus(tmp_path / "world", "filtered", CorpusConfig(documents=131), tmp_path / "corpus"),
        WriteCorpus(tmp_path / "world", "filtered", CONFIG, tmp_path / "corpus", 10),
    ]
    assert len({step.logging_dir(tmp_path) for step in steps}) == 3
