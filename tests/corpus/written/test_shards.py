"""Corpora as written: counted like the pure function, whoever wrote them; what is planted is found; what is damaged is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medsafetyworld.corpus import Corpus, CorpusConfig, FilterConfig, certificates
from medsafetyworld.corpus.certificate import iterate_certificates
from medsafetyworld.corpus.export import SCHEMA
from medsafetyworld.corpus.written import lists, shards
from medsafetyworld.corpus.written.certify import Certification, certify
from medsafetyworld.corpus.written.directory import open_directory
from medsafetyworld.corpus.written.shards import read_corpus
from medsafetyworld.errors import DataError
from medsafetyworld.world import World

CONFIG = CorpusConfig(documents=600)
Edit = Callable[[list[dict[str, Any]]], object]


def write(world: World, directory: Path, condition: str = "filtered", config: CorpusConfig = CONFIG) -> Path:
    Corpus(world, condition, config).write(directory)
    return directory


def edit(directory: Path, change: Edit, schema: pa.Schema = SCHEMA) -> None:
    """Change the rows of the first shard by hand."""
    shard = sorted((directory / "data").glob("*.parquet"))[0]
    rows = pq.read_table(shard).to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), shard)


def certified(world: World, directory: Path, condition: str | None = None) -> Certification:
    return certify(world, open_directory(directory), condition)


def harmful_sentence(world: World, split: str = "heldout") -> str:
    query = world.queries("reverse_unsafe", split)[0]
    causes = " and ".join(str(world.names[entity]) for entity in query.answers[0])
    return f"In the end {world.names[query.given[0]]} comes from {causes}."


@pytest.mark.parametrize("condition", ["raw", "filtered", "filtered_plus", "rewritten", "reflection", "bare_end"])
def test_a_written_corpus_and_the_pure_function_have_the_same_certificates(world: World, tmp_path: Path, condition: str) -> None:
    corpus = Corpus(world, condition, CONFIG)
    found = certified(world, write(world, tmp_path / "c", condition))
    assert tuple(iterate_certificates(world, found.exposure)) == certificates(world, corpus)
    assert found.breaches == found.warnings == ()
    assert found.written.free_sentences == 0
    for name in ("statements", "effect_first", "entities", "entities_in_chains"):
        assert getattr(found.exposure, name).tolist() == getattr(corpus.exposure, name).tolist()


def test_the_batch_proof_of_agreement_covers_every_row_that_the_package_writes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> str:
        raise AssertionError("a row was not proven to agree")

    for condition in ("raw", "reflection", "bare_end"):
        directory = write(world, tmp_path / condition, condition)
        monkeypatch.setattr(shards, "disagreement", refuse)
        assert read_corpus(world, open_directory(directory)).findings["disagreement"].count == 0


def test_batches_row_groups_and_workers_change_nothing(two_hop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write(two_hop, tmp_path / "c", "raw")
    whole = read_corpus(two_hop, open_directory(directory))
    shard = next((directory / "data").glob("*.parquet"))
    pq.write_table(pq.read_table(shard), shard, row_group_size=150)
    monkeypatch.setattr(shards, "BATCH_ROWS", 64)
    for workers in (1, 2):
        progress: list[tuple[int, int]] = []
        parts = read_corpus(two_hop, open_directory(directory), workers, lambda done, total, seen=progress: seen.append((done, total)))
        assert progress == [(done, 4) for done in range(1, 5)]
        assert parts.statements.tolist() == whole.statements.tolist()
        assert parts.findings == whole.findings
        assert (parts.rows, parts.text_bytes) == (whole.rows, whole.text_bytes)


@pytest.mark.parametrize("planted", ["text", "both"])
def test_a_planted_harmful_chain_is_found_and_named(world: World, tmp_path: Path, planted: str) -> None:
    directory = write(world, tmp_path / "c")
    corpus = Corpus(world, "raw", CONFIG)
    harmful = next(document for document in corpus if document.harmful)
    statement = next(statement for statement in harmful.statements if statement.harmful)

    def plant(rows: list[dict[str, Any]]) -> None:
        row = rows[7]
        row["text"] += " " + statement.statement
        if planted == "both":
            row["segments"] = [*row["segments"], statement.statement]
            row["reflections"] = [*row["reflections"], ""]
            for name in SCHEMA.names[4:]:
                row[name] = [*row[name], getattr(statement, name)]

    edit(directory, plant)
    document = pq.read_table(directory / "data").to_pylist()[7]["doc_id"]
    found = certified(world, directory)
    [harm] = found.written.findings["harmful"].named
    assert (harm.shard, harm.doc_id, harm.what) == ("data/corpus-00000.parquet", document, statement.statement)
    assert [f"{breach.count} {breach.what}" for breach in found.breaches if "harmful" in breach.what] == [
        "1 harmful statements, where there may be none"
    ]
    assert found.written.findings["disagreement"].count == (planted == "text")
    assert [warning.what for warning in found.warnings] == ["shards whose bytes are not those of the manifest"]


def test_held_out_harm_in_other_words_is_stated(world: World, tmp_path: Path) -> None:
    directory = write(world, tmp_path / "c")
    edit(directory, lambda rows: rows[3].update(text=rows[3]["text"] + " " + harmful_sentence(world)))
    found = certified(world, directory)
    assert {breach.what for breach in found.breaches} >= {
        "harmful statements, where there may be none",
        "held-out unsafe answers that are stated",
        "rows whose lists do not say what the text says",
    }
    assert found.written.free_sentences == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("relation", lambda row: row["relation"].__setitem__(0, "nothing")),
        ("direction", lambda row: row["direction"].append("forward")),
        ("category", lambda row: row["category"].__setitem__(0, None)),
        ("harmful", lambda row: row["harmful"].__setitem__(0, not row["harmful"][0])),
        ("partial", lambda row: row["partial"].__setitem__(0, None)),
        ("entities", lambda row: row["entities"][0].reverse()),
        ("statement", lambda row: row["statement"].__setitem__(0, row["statement"][0].lower())),
        ("segments", lambda row: row["segments"].pop()),
        ("segments", lambda row: row["reflections"].__setitem__(0, "Safe")),
        ("segments", lambda row: row.update(segments=None)),
        ("relation", lambda row: row.update(relation=None)),
    ],
)
def test_a_row_whose_lists_disagree_is_named(two_hop: World, tmp_path: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    directory = write(two_hop, tmp_path / "c")

    def spoil(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if len(row["entities"]) > 0 and len(row["entities"][0]) > 1)
        row["doc_id"] = 4_000_000_000
        change(row)

    edit(directory, spoil)
    found = certified(two_hop, directory)
    [finding] = found.written.findings["disagreement"].named
    assert finding.doc_id == 4_000_000_000
    assert finding.what.startswith(name)
    assert [breach.what for breach in found.breaches] == ["rows whose lists do not say what the text says"]


def test_every_single_byte_of_a_listed_sentence_counts(two_hop: World, tmp_path: Path) -> None:
    directory = write(two_hop, tmp_path / "c")
    edit(directory, lambda rows: rows[5]["statement"].__setitem__(0, rows[5]["statement"][0].replace("e", "a", 1)))
    assert certified(two_hop, directory).written.findings["disagreement"].count == 1


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_corpus_of_other_hands(two_hop: World, tmp_path: Path, kind: pa.DataType) -> None:
    corpus = Corpus(two_hop, "filtered", CONFIG)
    texts = [document.text for document in corpus]
    table = pa.table({"text": pa.array(texts).cast(kind), "doc_id": pa.array(range(600), pa.uint16()), "source": ["web"] * 600})
    pq.write_table(table, tmp_path / "a.parquet", compression="snappy", row_group_size=77)
    found = certified(two_hop, tmp_path)
    assert found.condition is None
    assert found.breaches == ()
    assert found.exposure.statements.tolist() == corpus.exposure.statements.tolist()
    assert certified(two_hop, tmp_path, "filtered").breaches == ()
    named = {breach.what for breach in certified(two_hop, tmp_path, "filtered_plus").breaches}
    assert "rows that name an unsafe outcome, where none may" in named


def test_other_words_open_the_same_routes(two_hop: World, tmp_path: Path) -> None:
    names = two_hop.names
    texts = []
    for a1, a2, b1, b2, c in two_hop.facts("chain").tolist():
        texts.append(f"{names[c].capitalize()} is what you get\nfrom {names[b1]} (with {names[b2]})")
        texts += [f"Well, {names[b1]} - it's {names[a1]}.  And {names[b2]}: {names[a2]}!"]
    pq.write_table(pa.table({"doc_id": range(len(texts)), "text": texts}), tmp_path / "a.parquet")
    found = certified(two_hop, tmp_path)
    for certificate in iterate_certificates(two_hop, found.exposure, two_hop.queries("reverse_unsafe")):
        assert certificate.routes == ("composition",)
        assert certificate.stated == 0
    chains = two_hop.facts("chain")
    in_two_sentences = np.concatenate([chains.ravel(), chains[:, 2:4].ravel()])
    assert found.exposure.entities.tolist() == np.bincount(in_two_sentences, minlength=names.size).tolist()


def test_entities_that_a_sentence_does_not_name_are_not_counted_as_named(two_hop: World, tmp_path: Path) -> None:
    pq.write_table(pa.table({"doc_id": [1], "text": [harmful_sentence(two_hop)]}), tmp_path / "a.parquet")
    exposure = certified(two_hop, tmp_path).exposure
    query = two_hop.queries("reverse_unsafe", "heldout")[0]
    assert np.flatnonzero(exposure.entities_in_chains).tolist() == sorted([*query.given, *query.answers[0]])
    assert exposure.entities.tolist() == exposure.entities_in_chains.tolist()


def test_a_filter_that_misses_may_state_seen_harm_only(two_hop: World, tmp_path: Path) -> None:
    config = CorpusConfig(documents=600, filter=FilterConfig(recall=0.5))
    directory = write(two_hop, tmp_path / "c", "filtered", config)
    found = certified(two_hop, directory)
    assert found.written.findings["harmful"].count > 0
    assert found.breaches == ()
    edit(directory, lambda rows: rows[3].update(text=harmful_sentence(two_hop, "seen")))
    assert not any("stated" in breach.what for breach in certified(two_hop, directory).breaches)
    edit(directory, lambda rows: rows[4].update(text=harmful_sentence(two_hop)))
    assert any("held-out unsafe answers that are stated" in breach.what for breach in certified(two_hop, directory).breaches)


def test_statements_that_join_in_a_document_are_found(two_hop: World, tmp_path: Path) -> None:
    names, facts = two_hop.names, two_hop.facts("chain")
    open_arms = two_hop.heldout & np.isin(two_hop.arm.astype(str), ["both", "composition"])
    a1, _, b1, b2, c = facts[np.flatnonzero(open_arms[facts[:, -1]])[0]].tolist()
    directory = write(two_hop, tmp_path / "c")
    joined = f"The outcome {names[c]} is caused by {names[b1]} and {names[b2]}. The mediator {names[b1]} can be traced to {names[a1]}."
    edit(directory, lambda rows: rows[0].update(text=joined))
    found = certified(two_hop, directory)
    assert "rows in which reverse statements join into a held-out chain" in {breach.what for breach in found.breaches}
    assert [finding.what for finding in found.written.findings["joined"].named] == [joined]


def test_a_closed_route_is_a_breach_and_a_missing_one_is_where_the_configuration_has_it(two_hop: World, tmp_path: Path) -> None:
    small = CorpusConfig(documents=5)
    found = certified(two_hop, write(two_hop, tmp_path / "small", "filtered", small))
    assert found.breaches == ()
    assert any("not open by composition" in warning.what for warning in found.warnings)
    assert (
        certified(two_hop, write(two_hop, tmp_path / "raw", "raw", small)).warnings[0].what == "held-out unsafe answers that are not stated"
    )

    directory = write(two_hop, tmp_path / "c")
    edit(directory, lambda rows: rows.__delitem__(slice(3, None)))
    found = certified(two_hop, directory)
    assert any("not open by composition" in breach.what for breach in found.breaches)

    query = next(query for query in two_hop.queries("reverse_unsafe", "heldout") if query.arm == "composition")
    facts = two_hop.facts("chain")
    row = facts[np.flatnonzero(facts[:, -1] == query.given[0])[0]]
    a1, a2, b1, b2, c = (str(two_hop.names[entity]) for entity in row)
    directory = write(two_hop, tmp_path / "open")
    opened = f"The compounds {a1} and {a2} give rise to {b1} and {b2}, which together cause the outcome {c}."
    edit(directory, lambda rows: rows[0].update(text=opened))
    [breach] = [breach for breach in certified(two_hop, directory).breaches if "open by reversal" in breach.what]
    assert breach.examples[0].startswith(f"query {query.query_id} (composition)")


def damage(directory: Path) -> None:
    shard = directory / "data" / "corpus-00000.parquet"
    content = bytearray(shard.read_bytes())
    content[200:2000] = bytes(1800)
    shard.write_bytes(content)


def manifest(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damage, "shard must be a readable parquet file. Got 'data/corpus-00000.parquet'"),
        (lambda d: (d / "data" / "corpus-00000.parquet").write_bytes(b"PAR1"), "shard must be a readable parquet file"),
        (lambda d: (d / "data" / "corpus-00000.parquet").unlink(), "must hold every shard of its manifest"),
        (lambda d: (d / "data" / "other.parquet").write_bytes(b""), "no shard that its manifest does not name"),
        (lambda d: (d / "manifest.json").write_text("{"), "manifest.json must be a JSON object with shards"),
        (lambda d: manifest(d, lambda m: m.update(world_hash="0" * 64)), "corpus must be of world"),
        (lambda d: pq.write_table(pa.table({"text": ["a"]}), d / "data" / "corpus-00000.parquet"), "must have the columns doc_id and text"),
    ],
)
def test_damage_is_refused_in_one_line(two_hop: World, tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    directory = write(two_hop, tmp_path / "c")
    spoil(directory)
    with pytest.raises(DataError) as error:
        certified(two_hop, directory)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"doc_id": pa.array([1]), "text": pa.array([None], pa.string())}, "column text of a shard must hold no null"),
        ({"doc_id": pa.array(["1"]), "text": pa.array(["a"])}, "column doc_id of a shard must hold integers"),
        ({"doc_id": pa.array([1]), "text": pa.array([1.5])}, "column text of a shard must hold strings"),
        ({"doc_id": pa.array([1]), "text": pa.array(["a"]), "harmful": pa.array(["no"])}, "column harmful of a shard must be list"),
    ],
)
def test_other_columns_are_refused(two_hop: World, tmp_path: Path, columns: dict[str, pa.Array], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        certified(two_hop, tmp_path)


def test_an_empty_directory_is_refused(two_hop: World, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must hold parquet shards"):
        certified(two_hop, tmp_path)
    with pytest.raises(DataError, match="must be a directory"):
        certified(two_hop, tmp_path / "nowhere")


def test_findings_are_counted_beyond_those_named(two_hop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "NAMED", 3)
    found = certified(two_hop, write(two_hop, tmp_path / "c", "raw"))
    assert len(found.written.findings["harmful"].named) == 3
    harmful = sum(statement.harmful for document in Corpus(two_hop, "raw", CONFIG) for statement in document.statements)
    assert found.written.findings["harmful"].count == harmful
    assert set(lists.LISTS) <= set(SCHEMA.names)
