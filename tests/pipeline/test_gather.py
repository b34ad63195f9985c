"""Tables of a run from those of its stages, and what is stored about corpora."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from baselines.solvers import SOLVERS
from medsafetyworld.corpus import Corpus
from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.evaluation.certificates import CERTIFICATE_FIELDS
from medsafetyworld.evaluation.judged import OUTCOMES_SCHEMA
from medsafetyworld.pipeline.corpora import count_statements, store_answers, store_certificates
from medsafetyworld.pipeline.fingerprint import corpus_fingerprint, solver_fingerprint
from medsafetyworld.pipeline.gather import gather
from medsafetyworld.pipeline.run_directory import write_json, write_table
from medsafetyworld.pipeline.tasks import Task, make_tasks, task_folders
from medsafetyworld.pipeline.work import run_task
from medsafetyworld.presets import PRESETS, with_seed
from medsafetyworld.world import World

SMOKE = PRESETS["smoke"]
WORLD = World.generate(SMOKE.world)


@pytest.fixture
def stages(tmp_path: Path) -> list[Path]:
    """Return the finished stages of two models that share a corpus, of the corpus, and of a solver that has read it."""
    corpus = Corpus(WORLD, "filtered", SMOKE.corpus)
    folders = [tmp_path / name for name in ("one", "other", "corpus", "solver")]
    query = WORLD.queries("reverse_unsafe", "heldout")[0]
    for folder, name in zip(folders, ("filtered", "reflection_sft_only"), strict=False):
        row = {field.name: "" if field.type == pa.string() else 0 for field in OUTCOMES_SCHEMA}
        row |= {"condition": name, "stage": "sft", "query_id": query.query_id}
        write_table(folder / "outcomes.parquet", pa.Table.from_pylist([row], schema=OUTCOMES_SCHEMA))
    counts = store_certificates(folders[2], corpus, 0)
    store_answers(folders[3], corpus, SOLVERS["symbolic"], 0)
    for folder in folders:
        write_json(folder / "stage.json", {"timings": [], **({"corpus": counts} if folder.name == "corpus" else {})})
    return folders


def test_certificates_and_answers_stand_under_every_condition_of_their_corpus(stages: list[Path], tmp_path: Path) -> None:
    corpora = {"filtered": "filtered", "reflection_sft_only": "filtered"}
    rows = gather(tmp_path, {None: stages}, corpora)
    table = pq.read_table(tmp_path / "outcomes.parquet")
    answers = len(WORLD.queries(split="heldout"))
    assert rows == {"outcomes": table.num_rows} == {"outcomes": 2 + 2 * answers}
    assert table.schema.names == [*OUTCOMES_SCHEMA.names, *(field.name for field in CERTIFICATE_FIELDS)]
    assert all(table[field.name].null_count == 0 for field in CERTIFICATE_FIELDS)
    for name in corpora:
        assert sum(row["condition"] == name and row["stage"] == "solver_symbolic" for row in table.to_pylist()) == answers
    counted = json.loads((tmp_path / "corpora.json").read_text())
    assert [row["condition"] for row in counted] == list(corpora)
    assert {row["harmful_statements"] for row in counted} == {0}


def test_stages_of_an_older_run_are_gathered_as_they_are(stages: list[Path], tmp_path: Path) -> None:
    rows = gather(tmp_path, {None: stages[:2]}, {"filtered": "filtered", "reflection_sft_only": "filtered"})
    assert rows == {"outcomes": 2}
    assert pq.read_table(tmp_path / "outcomes.parquet").schema.names == OUTCOMES_SCHEMA.names
    assert json.loads((tmp_path / "corpora.json").read_text()) == []


@pytest.mark.parametrize("name", ["raw", "filtered", "rewritten", "filtered_plus"])
def test_counts_are_those_of_the_documents(name: str) -> None:
    corpus = Corpus(WORLD, name, replace(SMOKE.corpus, documents=200))
    said = [statement for document in corpus for statement in document.statements]
    assert count_statements(corpus) == {
        "documents": 200,
        "statements": len(said),
        "harmful_statements": sum(statement.harmful for statement in said),
    }


def test_each_corpus_is_read_once_a_seed_and_only_where_models_are_evaluated(tmp_path: Path) -> None:
    configs = [with_seed(SMOKE, seed) for seed in (0, 1)]
    conditions = ("raw", "filtered", "reflection_sft_only")
    tasks = make_tasks(tmp_path, configs, conditions, device="cpu", evaluate=True, solvers=tuple(SOLVERS.values()))
    read = [task for task in tasks if task.kind == "read"]
    assert [(task.condition, task.config.seed) for task in read] == [("raw", 0), ("filtered", 0), ("raw", 1), ("filtered", 1)]
    assert all(len(task_folders(task)) == 1 + len(SOLVERS) for task in read)
    assert len({folder for task in tasks for folder in task_folders(task)}) == sum(len(task_folders(task)) for task in tasks)
    assert not [task for task in make_tasks(tmp_path, configs, conditions, device="cpu", evaluate=False) if task.kind == "read"]


def test_what_decides_a_reading_changes_its_fingerprint_and_training_does_not() -> None:
    filtered, solver = condition("filtered"), SOLVERS["symbolic"]
    one = corpus_fingerprint(SMOKE, filtered)
    assert corpus_fingerprint(SMOKE, condition("reflection_sft_only")) == one
    assert corpus_fingerprint(replace(SMOKE, pretrain=replace(SMOKE.pretrain, learning_rate=1e-3)), filtered) == one
    assert corpus_fingerprint(with_seed(SMOKE, 1), filtered) != one
    assert corpus_fingerprint(SMOKE, condition("raw")) != one
    assert solver_fingerprint(SMOKE, filtered, replace(solver, version=2)) != solver_fingerprint(SMOKE, filtered, solver)


def test_a_reading_that_is_finished_is_not_done_again(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    task = Task("read", "filtered", SMOKE, tmp_path, "cpu", True, (SOLVERS["random"],))
    run_task(task, lambda event: None)
    before = {folder: (folder / "stage.json").stat().st_mtime_ns for folder in task_folders(task)}
    notes: list[str] = []
    run_task(task, lambda event: notes.append(event.note))
    assert {folder: (folder / "stage.json").stat().st_mtime_ns for folder in task_folders(task)} == before
    assert notes == ["(already done)"]
