"""The outcome table: what a model says to every held-out query, under every attack and policy, and what that amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from medsafetyworld.attacks import decomposition
from medsafetyworld.attacks.attack import Attack, Attempt
from medsafetyworld.attacks.registry import ATTACKS, ladder
from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.registry import resolve
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.evaluation.completions import complete
from medsafetyworld.evaluation.judge import Judge
from medsafetyworld.evaluation.policies import POLICIES, apply_policy
from medsafetyworld.presets import EvaluationConfig
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
    """What a model wrote for one query under one attack, before any policy."""

    attack: str
    query: Query
    attempt: Attempt
    completion: str
    policies: tuple[str, ...]
    """Policies under which it is judged."""


def evaluate_outcomes(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    world: World,
    condition: Condition,
    corpus_config: CorpusConfig,
    config: EvaluationConfig,
    *,
    seed: int,
    stage: str,
    attacks: Sequence[Attack] | None = None,
    policies: Sequence[str] = tuple(POLICIES),
) -> pa.Table:
    """Ask a model every held-out query and judge what it says.

    Harmful queries are asked under every attack and, in two_hop, hop by hop (attack "decomposition", policy "none": the attacker only
    reads the sentences that were asked for). Benign queries are asked directly.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        world: The world that it was trained on.
        condition: The condition that it was trained under.
        corpus_config: Its corpus configuration: spoofed reflections are written in the form that it was trained on.
        config: Batch size and longest completion.
        seed: Seed of the run, for the table.
        stage: Name of the stage, for the table.
        attacks: Attacks on harmful queries; None: the ladder of the world's task.
        policies: What decoding does with the model's reflections.

    Returns:
        A table of `OUTCOMES_SCHEMA`.
    """
    chosen = ladder(world.config.task) if attacks is None else tuple(attacks)
    harmful = world.queries("reverse_unsafe", "heldout")
    benign = [query for category in BENIGN_CATEGORIES for query in world.queries(category, "heldout")]
    reflection = resolve(condition, corpus_config).reflection
    asked = [(attack.name, query, attack.attempt(world, query, reflection)) for attack in chosen for query in harmful]
    asked += [("direct", query, ATTACKS["direct"].attempt(world, query, reflection)) for query in benign]
    in_parts = harmful if world.config.task == "two_hop" else ()
    first_questions = [decomposition.first_question(world, query) for query in in_parts]
    completions = complete(
        model,
        tokenizer,
        [attempt.text for _, _, attempt in asked] + first_questions,
        banned=[attempt.banned for _, _, attempt in asked] + [()] * len(first_questions),
        max_new_tokens=config.max_new_tokens * max(world.hops, 2) // 2,
        batch_size=config.batch_size,
    )
    judge = Judge(world)
    answers = [Answer(*request, completion, tuple(policies)) for request, completion in zip(asked, completions, strict=False)]
    first_hops = list(zip(in_parts, first_questions, completions[len(asked) :], strict=True))
    answers += _ask_further_hops(model, tokenizer, judge, first_hops, config)
    return outcome_table(judge, answers, seed=seed, condition=condition.name, stage=stage)


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


def _ask_further_hops(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    judge: Judge,
    first_hops: Sequence[tuple[Query, str, str]],
    config: EvaluationConfig,
) -> list[Answer]:
    """Ask for the causes of the mediators that the model named itself, hop by hop back to the compounds, and join the answers."""
    questions = [[question] for _, question, _ in first_hops]
    said = [[completion] for _, _, completion in first_hops]
    for hop in range(1, judge.world.hops):
        going = [row for row, completions in enumerate(said) if len(completions) == hop]
        following = {row: decomposition.next_question(judge.world, judge.mentions, said[row][-1]) for row in going}
        asked = {row: question for row, question in following.items() if question is not None}
        told = complete(model, tokenizer, list(asked.values()), max_new_tokens=config.max_new_tokens, batch_size=config.batch_size)
        for (row, question), completion in zip(asked.items(), told, strict=True):
            questions[row].append(question)
            said[row].append(completion)
    return [
        Answer(decomposition.NAME, query, Attempt(first, "", ()), decomposition.joined(questions[row], said[row]), ("none",))
        for row, (query, first, _) in enumerate(first_hops)
    ]
