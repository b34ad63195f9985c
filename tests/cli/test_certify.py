"""`medsafetyworld certify` proves what written corpora state, and fails where they break their promise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medsafetyworld import PRESETS, Corpus, World, certificates
from medsafetyworld.cli import main
from medsafetyworld.corpus.written.certify import SCHEMA


def corpus(world: Path, out: Path, condition: str) -> Path:
    assert main(["corpus", "--world", str(world), "--preset", "smoke", "--condition", condition, "--out", str(out)]) == 0
    return out


def certify(world: Path, directory: Path, out: Path, *flags: str) -> int:
    return main(["certify", "--world", str(world), "--corpus", str(directory), "--out", str(out), *flags])


def summary(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "summary.json").read_text()))


def test_filtered_states_no_harm_and_its_routes_are_open(world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = corpus(world_directory, tmp_path / "c", "filtered")
    capsys.readouterr()
    assert certify(world_directory, directory, tmp_path / "d") == 0
    printed = capsys.readouterr().out
    assert "0 harmful statements, 0 held-out unsafe answers stated, 0 rows whose lists disagree" in printed
    assert "The promise of filtered is kept." in printed
    table = pq.read_table(tmp_path / "d" / "certificates.parquet")
    assert table.schema == SCHEMA
    world = World.load(world_directory)
    expected = certificates(world, Corpus(world, "filtered", PRESETS["smoke"].corpus))
    assert [row["query_id"] for row in table.to_pylist()] == [query.query_id for query in world.queries()]
    for row, one in zip(table.to_pylist(), expected, strict=True):
        for name in ("category", "split", "arm", "hops", "stated", "cut_cost", "benign_cost", "derivable"):
            assert row[name] == getattr(one, name)
        assert tuple(row["routes"]) == one.routes
        facts = [(fact["relation"], fact["direction"], fact["fact"], tuple(fact["entities"]), fact["count"]) for fact in row["support"]]
        assert facts == [(fact.relation, fact.direction, fact.fact, fact.entities, fact.count) for fact in one.support]
        assert [(fact["cause_first"], fact["effect_first"]) for fact in row["support"]] == [
            (fact.cause_first, fact.effect_first) for fact in one.support
        ]
        assert row["support_count"] == sum(fact.count for fact in one.support)
        assert [(fact["relation"], fact["direction"], fact["fact"]) for fact in row["cut"]] == list(one.cut)
        assert sum(fact["count"] for fact in row["cut"]) == one.cut_cost
        exposure = {exposed.entity: exposed for exposed in one.exposure}
        assert {exposed["entity"]: exposed["in_whole_chains"] for exposed in row["exposure"]} == {
            entity: exposed.in_whole_chains for entity, exposed in exposure.items()
        }
        query = world.queries()[one.query_id]
        answers = {entity for answer in query.answers for entity in answer}
        assert row["given_in_chains"] == sum(exposure[entity].in_whole_chains for entity in query.given)
        assert row["answers_exposure"] == sum(exposure[entity].statements for entity in answers)


@pytest.mark.parametrize(
    ("condition", "stated", "derivable"), [("raw", True, True), ("filtered_plus", False, False), ("reflection", False, True)]
)
def test_other_conditions_keep_their_promise(world_directory: Path, tmp_path: Path, condition: str, stated: bool, derivable: bool) -> None:
    directory = corpus(world_directory, tmp_path / "c", condition)
    assert certify(world_directory, directory, tmp_path / "d", "--workers", "2") == 0
    rows = pq.read_table(tmp_path / "d" / "certificates.parquet").to_pylist()
    harmful = [row for row in rows if (row["category"], row["split"]) == ("reverse_unsafe", "heldout")]
    assert harmful
    assert all(((row["stated"] > 0), row["derivable"]) == (stated, derivable) for row in harmful)
    assert summary(tmp_path / "d")["unsafe_outcomes_named"] == (0 if condition == "filtered_plus" else len(harmful) * 2)


def test_a_harmful_chain_written_by_hand_is_named(world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = corpus(world_directory, tmp_path / "c", "filtered")
    world = World.load(world_directory)
    query = world.queries("reverse_unsafe", "heldout")[0]
    a, b = query.answers[0]
    sentence = f"{world.names[query.given[0]]} comes from {world.names[a]} and {world.names[b]}."
    shard = next((directory / "data").glob("*.parquet"))
    table = pq.read_table(shard)
    texts = table["text"].to_pylist()
    texts[4] += f" {sentence}"
    pq.write_table(table.set_column(table.schema.get_field_index("text"), "text", pa.array(texts)), shard)
    capsys.readouterr()
    assert certify(world_directory, directory, tmp_path / "d") == 1
    printed = capsys.readouterr().out
    document = table["doc_id"][4].as_py()
    assert f"data/{shard.name}, document {document}: {sentence}" in printed
    assert "BROKEN: 1 held-out unsafe answers that are stated" in printed
    assert "warning: 1 shards whose bytes are not those of the manifest" in printed
    written = summary(tmp_path / "d")
    assert (written["harmful_statements"], written["heldout_answers_stated"], written["disagreements"]) == (1, 1, 1)
    assert written["findings"]["harmful"] == [{"shard": f"data/{shard.name}", "doc_id": document, "what": sentence}]
    # Certificates are replaced, by those of another reading as well.
    assert certify(world_directory, directory, tmp_path / "d", "--condition", "raw") == 1


def test_a_foreign_corpus_has_no_promise(world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World.load(world_directory)
    texts = [document.text for document in Corpus(world, "raw", PRESETS["smoke"].corpus)]
    (tmp_path / "c").mkdir()
    pq.write_table(pa.table({"doc_id": range(len(texts)), "text": texts}), tmp_path / "c" / "x.parquet")
    assert certify(world_directory, tmp_path / "c", tmp_path / "d") == 0
    assert "No condition is known" in capsys.readouterr().out
    assert certify(world_directory, tmp_path / "c", tmp_path / "d", "--condition", "filtered") == 1


def test_mistakes_are_one_line_and_leave_nothing(world_directory: Path, tmp_path: Path, error_line: Callable[..., str]) -> None:
    directory = corpus(world_directory, tmp_path / "c", "filtered")
    start = ["certify", "--world", world_directory, "--corpus"]
    out = tmp_path / "d"
    assert "must be a directory" in error_line(*start, tmp_path / "nowhere", "--out", out)
    assert "Did you mean 'filtered'?" in error_line(*start, directory, "--out", out, "--condition", "filterd")
    assert "--workers must be an int of at least 1" in error_line(*start, directory, "--out", out, "--workers", 0)
    assert "which holds something else" in error_line(*start, directory, "--out", directory)
    shard = next((directory / "data").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-100])
    assert f"shard must be a readable parquet file. Got 'data/{shard.name}'" in error_line(*start, directory, "--out", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c"]
