"""Independent tasks in persistent worker processes, with live progress, interruption and clear failure."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

from medsafetyworld.errors import MedSafetyWorldError
from medsafetyworld.processes import leave_with_parent


@dataclass(frozen=True, slots=True)
class Event:
    """One report of a worker: `task` is at `done` of `total` units of `stage`; `note` is a short free text (a speed, a loss)."""

    task: str
    stage: str
    done: float
    total: float
    note: str = ""


DRAIN_SECONDS = 0.05
"""How long a report may take from one process to another."""

Report = Callable[[Event], None]
Run = Callable[[Any, Report], Any]

_events: Queue[Event] | None = None


def _start_worker(events: Queue[Event]) -> None:
    """Keep the event queue, and end this worker with its parent."""
    global _events
    _events = events
    leave_with_parent()


def _run_in_worker(run: Run, task: Any) -> Any:
    assert _events is not None
    return run(task, _events.put)


@contextmanager
def _single_thread_environment(threads: int) -> Iterator[None]:
    """Set thread counts before the workers import numpy and torch; waiting threads must sleep, or a busy core starves them."""
    wanted = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def run_tasks(
    tasks: Sequence[Any],
    run: Run,
    *,
    name: Callable[[Any], str],
    needs: Callable[[Any], str | None],
    workers: int,
    threads: int = 1,
    on_event: Report,
) -> dict[str, Any]:
    """Run every task once, each after the task that it needs, and return the results by task name.

    Args:
        tasks: picklable task values, in order of preference.
        run: module-level function `(task, report) -> result`.
        name: the unique name of a task.
        needs: the name of the one task that must be finished before, or None.
        workers: number of processes; they live for the whole call, so libraries are imported once.
        threads: threads of each process.
        on_event: called in this process with every report of a worker.

    Raises:
        MedSafetyWorldError: a worker process died (killed, or out of memory).
        Exception: whatever a task raised, after the other running tasks were stopped.
    """
    context = multiprocessing.get_context("spawn")
    events: Queue[Event] = context.Queue()
    waiting = list(tasks)
    finished: dict[str, Any] = {}
    running: dict[Future[Any], str] = {}
    with _single_thread_environment(threads):
        executor = ProcessPoolExecutor(max_workers=workers, mp_context=context, initializer=_start_worker, initargs=(events,))
        try:
            while waiting or running:
                for task in [t for t in waiting if needs(t) is None or needs(t) in finished]:
                    if len(running) >= workers:
                        break
                    running[executor.submit(_run_in_worker, run, task)] = name(task)
                    waiting.remove(task)
                done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                _drain(events, on_event)
                for future in done:
                    finished[running.pop(future)] = future.result()
        except BrokenProcessPool:
            raise MedSafetyWorldError(
                f"A worker process died (killed, or out of memory) while running {', '.join(running.values())}. The same command continues."
            ) from None
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
            _drain(events, on_event)  # a worker sends what it still holds before it ends
    return finished


def _drain(events: Queue[Event], on_event: Report) -> None:
    while True:
        try:
            on_event(events.get(timeout=DRAIN_SECONDS))
        except Empty:
            return
