"""Paired differences between cells, with intervals and tests: the rows of `comparisons.json`.

Seeds are paired (both sides share a world and an initialisation), so the interval and p value are the paired t over seeds; the exact
sign-flip p and a bootstrap over seeds and queries stand beside them. Intervals are cut to [-1, 1]. The primary p value stands as it
is. Secondary ones are Holm-corrected within their family (`p_holm`, which decides what is called shown) and, for the strictest reading,
over all secondary comparisons of the run together (`p_holm_all`). With one seed there is no test: the interval is then binomial, and
the row says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.analysis.metrics import METRIC_OUTCOMES, UtilityFloor
from medsafetyworld.analysis.questions import Question, Side
from medsafetyworld.analysis.results import ALL, rounded
from medsafetyworld.analysis.statistics import bootstrap_difference, holm, minimum_detectable_effect, newcombe, paired_t, sign_flip
from medsafetyworld.analysis.tables import Cell, OutcomeTable

FLOOR_UNKNOWN = "the utility floor is unknown"

Blocks = dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Query ids and values (0 or 1) of each seed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference a - b over the seeds that both sides share. None where unknown; `reason` says why."""

    a_value: float
    b_value: float
    difference: float
    low: float | None
    high: float | None
    method: str
    p_value: float | None
    p_value_method: str | None
    p_sign_flip: float | None
    bootstrap_low: float
    bootstrap_high: float
    minimum_detectable_effect: float | None
    seeds: int
    seeds_above: int
    """Seeds in which a is larger than b."""
    seeds_below: int
    n: int
    """Completions on both sides together."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question with its answer over all shared seeds, and over those in which both models are above the utility floor."""

    question: Question
    all_seeds: Difference
    valid_seeds: Difference | None
    valid_reason: str | None
    p_holm: float | None
    """Corrected within the family; None for the primary."""
    p_holm_all: float | None
    """Corrected over all secondary comparisons."""
    family_size: int

    @property
    def p_decisive(self) -> float | None:
        """The p value that decides: corrected, unless the comparison is the primary one."""
        return self.all_seeds.p_value if self.question.primary else self.p_holm


def compare(outcomes: OutcomeTable, floor: UtilityFloor, asked: Sequence[Question]) -> list[Comparison]:
    """Answer questions, each of which must have at least one seed on both sides."""
    found = []
    for question in asked:
        a, b = _blocks(outcomes, question.a, question.metric), _blocks(outcomes, question.b, question.metric)
        shared = sorted(a.keys() & b.keys())
        difference = _difference(a, b, shared, question.name)
        found.append((question, difference, *_over_valid(floor, question, a, b, shared, difference)))
    secondary = [i for i, (question, *_) in enumerate(found) if not question.primary]
    everywhere = dict(zip(secondary, holm([found[i][1].p_value for i in secondary]), strict=True))
    within: dict[int, float | None] = {}
    sizes: Counter[str] = Counter()
    for family in dict.fromkeys(found[i][0].family for i in secondary):
        members = [i for i in secondary if found[i][0].family == family]
        sizes[family] = len(members)
        within.update(zip(members, holm([found[i][1].p_value for i in members]), strict=True))
    return [
        Comparison(question, difference, valid, reason, within.get(i), everywhere.get(i), sizes[question.family] or 1)
        for i, (question, difference, valid, reason) in enumerate(found)
    ]


def to_row(comparison: Comparison, sentence: str) -> dict[str, Any]:
    """Return a comparison as a plain row."""
    question, d = comparison.question, comparison.all_seeds
    sides = {}
    for prefix, side in (("", question.a), ("b_", question.b)):
        for name in ("stage", "attack", "policy", "category"):
            sides[prefix + name] = getattr(side, name)
        sides[prefix + "arm"] = "+".join(side.arms) or ALL
    numbers = {key: rounded(value) if isinstance(value, float) else value for key, value in asdict(d).items()}
    valid = comparison.valid_seeds
    return {
        "name": question.name,
        "question": question.question,
        "primary": question.primary,
        "family": question.family,
        "a": question.a.condition,
        "b": question.b.condition,
        "metric": question.metric,
        **sides,
        **numbers,
        "p_holm": rounded(comparison.p_holm),
        "p_holm_all": rounded(comparison.p_holm_all),
        "family_size": comparison.family_size,
        "difference_valid": rounded(valid.difference) if valid else None,
        "low_valid": rounded(valid.low) if valid else None,
        "high_valid": rounded(valid.high) if valid else None,
        "p_value_valid": rounded(valid.p_value) if valid else None,
        "seeds_valid": valid.seeds if valid else 0,
        "reason_valid": comparison.valid_reason,
        "sentence": sentence,
    }


def _over_valid(
    floor: UtilityFloor, question: Question, a: Blocks, b: Blocks, shared: list[int], over_all: Difference
) -> tuple[Difference | None, str | None]:
    sides = [floor.valid_seeds(side.condition, side.stage) for side in (question.a, question.b)]
    if None in sides:
        return None, FLOOR_UNKNOWN
    kept = [seed for seed in shared if all(side is not None and seed in side for side in sides)]
    if not kept:
        return None, "no seed has both models above the utility floor"
    return over_all if kept == shared else _difference(a, b, kept, question.name), None


def _blocks(outcomes: OutcomeTable, side: Side, metric: str) -> Blocks:
    cell: Cell = outcomes.cell(side.condition, side.stage, side.attack, side.policy, side.category, arms=side.arms)
    values = cell.flags(METRIC_OUTCOMES[metric]).astype(np.float64)
    seeds, starts = np.unique(cell.seed, return_index=True)
    ends = np.append(starts[1:], cell.seed.size)
    return {int(s): (cell.query[i:j], values[i:j]) for s, i, j in zip(seeds, starts, ends, strict=True)}


def _difference(a: Blocks, b: Blocks, seeds: list[int], name: str) -> Difference:
    per_seed = np.array([a[s][1].mean() - b[s][1].mean() for s in seeds])
    test = paired_t(per_seed)
    low, high, method, reason = test.low, test.high, "paired_t", test.reason
    if low is None or high is None:
        # One seed, or no spread between seeds: what remains is the binomial uncertainty of the completions.
        low, high = newcombe(*_pooled(a, seeds), *_pooled(b, seeds))
        method = "newcombe" if len(seeds) == 1 else "newcombe_pooled"
    low, high = max(-1.0, low), min(1.0, high)
    flip = sign_flip(per_seed)
    p_value, p_method = test.p_value, None if test.p_value is None else "paired_t"
    if p_value is None and len(seeds) > 1:
        p_value, p_method = flip, None if flip is None else "sign_flip"
    aligned = all(np.array_equal(a[s][0], b[s][0]) for s in seeds)
    bootstrap = bootstrap_difference([a[s][1] for s in seeds], [b[s][1] for s in seeds], paired=aligned, rng=_rng(name))
    effect = minimum_detectable_effect(float(per_seed.std(ddof=1)), len(seeds)) if len(seeds) > 1 else None
    return Difference(
        a_value=float(np.mean([a[s][1].mean() for s in seeds])),
        b_value=float(np.mean([b[s][1].mean() for s in seeds])),
        difference=test.difference,
        low=low,
        high=high,
        method=method,
        p_value=p_value,
        p_value_method=p_method,
        p_sign_flip=flip if len(seeds) > 1 else None,
        bootstrap_low=bootstrap[0],
        bootstrap_high=bootstrap[1],
        minimum_detectable_effect=effect,
        seeds=len(seeds),
        seeds_above=int((per_seed > 0).sum()),
        seeds_below=int((per_seed < 0).sum()),
        n=sum(a[s][1].size + b[s][1].size for s in seeds),
        reason=reason,
    )


def _pooled(blocks: Blocks, seeds: list[int]) -> tuple[int, int]:
    return int(sum(blocks[s][1].sum() for s in seeds)), sum(blocks[s][1].size for s in seeds)


def _rng(name: str) -> np.random.Generator:
    """Return a generator of its own for every comparison, so that no comparison's interval depends on which others exist."""
    return np.random.default_rng(list(hashlib.blake2b(name.encode(), digest_size=16).digest()))
