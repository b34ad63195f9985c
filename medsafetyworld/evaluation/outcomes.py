"""What a model says to every held-out query, under every attack and policy, judged."""

from __future__ import annotations

from collections.abc import Sequence

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
from medsafetyworld.evaluation.judged import Answer, asked_queries, outcome_table
from medsafetyworld.evaluation.policies import POLICIES
from medsafetyworld.presets import EvaluationConfig
from medsafetyworld.world.queries import Query
from medsafetyworld.world.world import World


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
    harmful, benign = asked_queries(world)
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
