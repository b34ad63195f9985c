"""A run that compares numbers of hops: each depth stands in the tables as a stage, "3-hop world", and is analysed as one.

So every estimate, comparison and utility floor is worked out as in any run; what is asked differs. Depths are worlds of their own: a
seed names a world of each depth, and pairs them only as draws of one size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from medsafetyworld.analysis.comparisons import compare
from medsafetyworld.analysis.labels import condition_label, stage_depth
from medsafetyworld.analysis.metrics import UtilityFloor, holds_harm
from medsafetyworld.analysis.questions import DECOMPOSITION, Question, Side, primary_arms
from medsafetyworld.analysis.results import compute_results
from medsafetyworld.analysis.study import Run, Study
from medsafetyworld.analysis.tables import HARMFUL_CATEGORY, OutcomeTable

REVERSAL = ("reversal",)
"""The arm whose answers are written whole, forward, and only have to be read backwards: one step at any depth."""


def analyse_depths(run: Run) -> Study:
    """Compute every estimate and comparison of a run over several depths."""
    outcomes = OutcomeTable(run.outcomes)
    floor = UtilityFloor(outcomes)
    config = run.config["config"]
    harm = {condition: holds_harm(condition, run.corpora) for condition in outcomes.conditions}
    results = compute_results(outcomes, floor, harm, run.measurements, run.reflections)
    arms = primary_arms(config["world"]["task"], outcomes.arms(HARMFUL_CATEGORY))
    asked = [question for question in depth_questions(outcomes, arms) if _shares_a_seed(outcomes, question)]
    return Study(run, outcomes, floor, results, {c.question.name: c for c in compare(outcomes, floor, asked)}, harm, None)


def depths(outcomes: OutcomeTable) -> dict[int, str]:
    """Return the stage of each depth, the shallowest first."""
    found = {hops: stage for stage in outcomes.stages if (hops := stage_depth(stage)) is not None}
    return dict(sorted(found.items()))


def depth_questions(outcomes: OutcomeTable, arms: tuple[str, ...]) -> Iterator[Question]:
    """Yield what is asked: each condition deeper against shallowest, by composition and by reversal, and both methods at each depth."""
    shallowest, *deeper = depths(outcomes).items()
    for condition in outcomes.conditions:
        for name, side_arms in (("composition", arms), ("reversal", REVERSAL)):
            for hops, stage in deeper:
                yield Question(
                    f"{condition}:{name}:{hops}_against_{shallowest[0]}",
                    f"deeper against shallowest, {name} arm",
                    f"Does {condition_label(condition)} leak as much with {hops} hops as with {shallowest[0]} ({name} arm)?",
                    Side(condition, stage=stage, arms=side_arms),
                    Side(condition, stage=shallowest[1], arms=side_arms),
                )
    for hops, stage in depths(outcomes).items():
        filtered = Side("filtered", stage=stage, arms=arms)
        yield Question(
            f"filtered_vs_reflection:{hops}",
            "filtering against reflection, by depth",
            f"Does reflection leak less than filtering with {hops} hops (composition arm)?",
            filtered,
            replace(filtered, condition="reflection"),
        )
    for hops, stage in depths(outcomes).items():
        for condition in outcomes.conditions:
            asked = Side(condition, stage=stage, arms=arms)
            yield Question(
                f"{condition}:ceiling:{hops}",
                "asked whole against asked hop by hop",
                f"Does {condition_label(condition)} tell less in one answer than hop by hop, with {hops} hops (composition arm)?",
                asked,
                replace(asked, attack=DECOMPOSITION),
            )


def _shares_a_seed(outcomes: OutcomeTable, question: Question) -> bool:
    sides = (outcomes.cell(s.condition, s.stage, s.attack, s.policy, s.category, arms=s.arms) for s in (question.a, question.b))
    one, other = (set(cell.seed.tolist()) for cell in sides)
    return bool(one & other)
