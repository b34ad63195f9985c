"""Tasks in worker processes: order, results, failures, and no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medsafetyworld.errors import ConfigError, MedSafetyWorldError
from medsafetyworld.pipeline.pool import Event, Report, run_tasks

NEEDS = {"a": None, "b": "a", "c": "a", "d": "b"}


def _record(task: tuple[str, str], report: Report) -> tuple[int, str | None]:
    name, folder = task
    needed = NEEDS[name]
    assert needed is None or (Path(folder) / needed).exists()
    report(Event(name, "working", 1, 2))
    (Path(folder) / name).touch()
    report(Event(name, "finished", 1, 1))
    return os.getpid(), os.environ.get("OMP_NUM_THREADS")


def _fail(task: str, report: Report) -> None:
    raise ConfigError("field must be right. Got wrong.")


def _die(task: str, report: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_tasks_run_after_what_they_need_in_persistent_single_thread_workers(tmp_path: Path) -> None:
    events: list[Event] = []
    tasks = [(name, str(tmp_path)) for name in ("d", "c", "b", "a")]
    results = run_tasks(
        tasks, _record, name=lambda task: task[0], needs=lambda task: NEEDS[task[0]], workers=2, threads=1, on_event=events.append
    )
    assert set(results) == set(NEEDS)
    assert len({process for process, _ in results.values()}) <= 2
    assert {threads for _, threads in results.values()} == {"1"}
    assert sorted(event.task for event in events if event.stage == "finished") == sorted(NEEDS)


def test_the_error_of_a_task_is_raised_as_it_was() -> None:
    with pytest.raises(ConfigError, match="field must be right"):
        run_tasks(["x"], _fail, name=str, needs=lambda task: None, workers=1, on_event=lambda event: None)


def test_a_killed_worker_is_told_in_one_line() -> None:
    with pytest.raises(MedSafetyWorldError, match="worker process died") as caught:
        run_tasks(["x"], _die, name=str, needs=lambda task: None, workers=1, on_event=lambda event: None)
    assert "\n" not in str(caught.value)


ORPHAN = """
import sys, time
from pathlib import Path
from medsafetyworld.pipeline.pool import run_tasks

def work(task, report):
    for _ in range(600):
        Path(task).write_text(str(time.time()))
        time.sleep(0.1)

if __name__ == "__main__":
    run_tasks([sys.argv[1]], work, name=str, needs=lambda task: None, workers=1, on_event=lambda event: None)
"""


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    script, beat = tmp_path / "orphan.py", tmp_path / "beat"
    script.write_text(ORPHAN)
    parent = subprocess.Popen([sys.executable, str(script), str(beat)])
    deadline = time.monotonic() + 60
    while not beat.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        before = beat.read_text()
        time.sleep(1.5)
        if beat.read_text() == before:
            return
    pytest.fail("a worker still writes after its parent was killed")
