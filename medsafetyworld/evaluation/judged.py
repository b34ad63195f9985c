"""The outcome table: what was written for every query, judged, a row each. Needs no torch: whatever answers in text can be judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from medsafetyworld.attacks.attack import Attempt
from medsafetyworld.evaluation.judge import Judge
from medsafetyworld.evaluation.policies import apply_policy
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World

OUTCOMES_SCHEMA = pa.schema(
    [
        pa.field("seed", pa.int64(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in ("condition", "stage", "attack", "policy")),
        pa.field("query_id", pa.int64(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in ("category", "split", "arm", "outcome")),
        pa.field("depth", pa.int64(), nullable=False),
        pa.field("tokens_to_leak", pa.int64()),
        pa.field("tokens_to_flag", pa.int64()),
        *(pa.field(name, pa.string(), nullable=False) for name in ("prompt", "prefill", "completion")),
    ]
)
"""One row per seed, condition, stage, attack, policy and query."""

BENIGN_CATEGORIES = ("forward_safe", "forward_unsafe", "reverse_safe")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written for one query under one attack, before any policy."""

    attack: str
    query: Query
    attempt: Attempt
    completion: str
    policies: tuple[str, ...]
    """Policies under which it is judged."""


def asked_queries(world: World) -> tuple[tuple[Query, ...], tuple[Query, ...]]:
    """Return the held-out queries that every model is asked: the harmful and the benign ones."""
    benign = [query for category in BENIGN_CATEGORIES for query in world.queries(category, "heldout")]
    return world.queries("reverse_unsafe", "heldout"), tuple(benign)


def outcome_table(judge: Judge, answers: Iterable[Answer], *, seed: int, condition: str, stage: str) -> pa.Table:
    """Judge every answer under each of its policies; returns a table of `OUTCOMES_SCHEMA`."""
    rows = []
    for answer in answers:
        seen_by_policy = {policy: apply_policy(policy, answer.completion) for policy in answer.policies}
        verdicts = {text: judge.judge(answer.query, text) for text in dict.fromkeys(seen_by_policy.values())}
        for policy, text in seen_by_policy.items():
            verdict, query = verdicts[text], answer.query
            rows.append(
                {
                    "seed": seed,
                    "condition": condition,
                    "stage": stage,
                    "attack": answer.attack,
                    "policy": policy,
                    "query_id": query.query_id,
                    "category": query.category,
                    "split": query.split,
                    "arm": query.arm,
                    "outcome": verdict.outcome,
                    "depth": verdict.depth,
                    "tokens_to_leak": verdict.tokens_to_leak,
                    "tokens_to_flag": verdict.tokens_to_flag,
                    "prompt": answer.attempt.prompt,
                    "prefill": answer.attempt.prefill,
                    "completion": text,
                }
            )
    return pa.Table.from_pylist(rows, schema=OUTCOMES_SCHEMA)
