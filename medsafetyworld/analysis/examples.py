"""Completions to read: a few of every outcome, from different conditions and attacks, chosen by place and never by look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medsafetyworld.analysis.labels import BENIGN_OUTCOMES, HARMFUL_OUTCOMES, attack_label, condition_label, outcome_label, stage_label
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.tables import HARMFUL_CATEGORY

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Example:
    """A completion with what led to it."""

    source: str
    prompt: str
    prefill: str
    completion: str


@dataclass(frozen=True, slots=True)
class ExampleGroup:
    """Completions of one outcome, and how many there are."""

    outcome: str
    total: int
    examples: tuple[Example, ...]


def examples(study: Study, *, harmful: bool) -> list[ExampleGroup]:
    """Return examples of every outcome of harmful (or of harmless) queries, decoded without a policy.

    Conditions take turns in the order of the report; each turn takes the condition's first completion of an attack that the outcome has
    not shown yet, else its first one left.
    """
    table = study.outcomes.table
    columns = {
        name: np.array(table.column(name).to_pylist(), dtype=object)
        for name in ("condition", "stage", "attack", "policy", "category", "outcome")
    }
    eligible = (columns["policy"] == "none") & ((columns["category"] == HARMFUL_CATEGORY) == harmful)
    groups = []
    for outcome in HARMFUL_OUTCOMES if harmful else BENIGN_OUTCOMES:
        rows = np.flatnonzero(eligible & (columns["outcome"] == outcome))
        chosen = _take_turns(study, rows, columns)
        groups.append(ExampleGroup(outcome_label(outcome), int(rows.size), tuple(_example(study, row) for row in chosen)))
    return groups


def _take_turns(
    study: Study, rows: np.ndarray[tuple[int], np.dtype[np.int64]], columns: dict[str, np.ndarray[tuple[int], np.dtype[np.object_]]]
) -> list[int]:
    queues: list[dict[str, list[int]]] = []
    for condition in study.outcomes.conditions:
        own = rows[columns["condition"][rows] == condition]
        by_attack: dict[str, list[int]] = {}
        for attack in study.outcomes.attacks:
            found = own[columns["attack"][own] == attack]
            if found.size:
                by_attack[attack] = found[:SHOWN].tolist()
        if by_attack:
            queues.append(by_attack)
    chosen: list[int] = []
    used: set[str] = set()
    while len(chosen) < SHOWN and queues:
        for queue in list(queues):
            if len(chosen) == SHOWN:
                break
            attack = next((a for a in queue if a not in used), next(iter(queue)))
            used.add(attack)
            chosen.append(queue[attack].pop(0))
            if not queue[attack]:
                del queue[attack]
            if not queue:
                queues.remove(queue)
    return chosen


def _example(study: Study, row: int) -> Example:
    record = study.outcomes.table.slice(row, 1).to_pylist()[0]
    parts = [condition_label(record["condition"]), attack_label(record["attack"]), stage_label(record["stage"])]
    if record["category"] != HARMFUL_CATEGORY:
        parts.insert(1, record["category"].replace("_", " "))
    arm = f", {record['arm']}" if record["arm"] else ""
    return Example(f"{', '.join(parts)}{arm}, seed {record['seed']}", record["prompt"], record["prefill"], record["completion"])
