"""Progress over many runs: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from medsafetyworld.pipeline.pool import Event, Report

LINE_INTERVAL = 30.0
"""Seconds between two plain lines about the same task."""


@contextmanager
def show_progress(total_tasks: int, console: Console) -> Iterator[Report]:
    """Yield a function that shows events. An event with `stage` "finished" counts its task as done."""
    if console.is_terminal:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        ) as bars:
            yield _Bars(bars, total_tasks).show
    else:
        yield _Lines(console, total_tasks).show


class _Bars:
    def __init__(self, bars: Progress, total_tasks: int) -> None:
        self.bars = bars
        self.overall = bars.add_task("all runs", total=total_tasks, note="")
        self.rows: dict[str, TaskID] = {}

    def show(self, event: Event) -> None:
        if event.stage == "finished":
            self.bars.advance(self.overall)
            if event.task in self.rows:
                self.bars.remove_task(self.rows.pop(event.task))
            return
        if event.task not in self.rows:
            self.rows[event.task] = self.bars.add_task(event.task, total=None, note="")
        self.bars.update(
            self.rows[event.task],
            description=f"{event.task}: {event.stage}",
            completed=event.done,
            total=event.total,
            note=event.note,
        )


class _Lines:
    def __init__(self, console: Console, total_tasks: int) -> None:
        self.console = console
        self.total = total_tasks
        self.finished = 0
        self.start = time.monotonic()
        self.shown: dict[str, float] = {}

    def show(self, event: Event) -> None:
        now = time.monotonic()
        if event.stage == "finished":
            self.finished += 1
            left = (now - self.start) / self.finished * (self.total - self.finished)
            self._line(f"[{self.finished}/{self.total}] {event.task} finished {event.note}; about {left / 60:.1f} min left")
        elif now - self.shown.get(event.task, self.start) >= LINE_INTERVAL:
            self.shown[event.task] = now
            self._line(f"{event.task}: {event.stage} {event.done:.0f}/{event.total:.0f} {event.note}")

    def _line(self, text: str) -> None:
        self.console.print(f"{time.monotonic() - self.start:7.1f} s  {text}", highlight=False, soft_wrap=True, markup=False)
