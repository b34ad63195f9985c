"""The answer in three sentences, made from the data: does filtering prevent the harm, does reflection, and where does it end."""

from __future__ import annotations

from medsafetyworld.analysis.comparisons import FLOOR_UNKNOWN, Comparison
from medsafetyworld.analysis.judgement import told, verdict
from medsafetyworld.analysis.labels import attack_label, stage_label
from medsafetyworld.analysis.questions import PRIMARY, Side, last_doses
from medsafetyworld.analysis.sentences import direction, interval, tests
from medsafetyworld.analysis.statistics import Estimate
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.wording import count, points, signed


def answer(study: Study) -> tuple[str, str, str]:
    """Return the three sentences that open the report."""
    return _filtering(study), _reflection(study), _limits(study)


def _filtering(study: Study) -> str:
    side = Side("filtered", arms=study.primary_arms)
    filtered = study.rate(side)
    if filtered.value is None:
        return (
            "This run holds no filtered models under the outcome prefill, so it can't say whether removing harmful text prevents the harm."
        )
    opening = {
        1: "Removing harmful text did not prevent the harm",
        -1: "Removing harmful text prevented the harm in this test",
        0: "Whether removing harmful text prevents the harm is left open here",
    }[verdict(study, side)]
    read = {
        False: "models that never read a harmful statement",
        True: "models whose filter, as configured, let some harmful statements through",
        None: "models trained on the filtered corpus, whose statements this run did not count,",
    }[study.harm["filtered"]]
    named = (
        f"{opening}: {read} named the compounds behind a held-out unsafe outcome in {told(study, side)} of the queries"
        f" {_route(study)}, once the answer was begun for them (outcome prefill, {_over(filtered)})"
    )
    if not study.has("raw"):
        return f"{named}."
    return f"{named}; models that read everything did so in {told(study, Side('raw', arms=study.primary_arms))}."


def _reflection(study: Study) -> str:
    if PRIMARY not in study.comparisons:
        return "This run does not hold filtered and reflection models of the same seed, so it can't compare them."
    comparison = study.comparisons[PRIMARY]
    d = comparison.all_seeds
    reflection = told(study, comparison.question.b)
    valid = _over_valid_seeds(comparison)
    if d.seeds == 1:
        return (
            f"In this one seed models pretrained with safety reflections did so in {reflection}, a difference to filtering of"
            f" {signed(d.difference)} points ({interval(d)}, binomial only: one seed says nothing of other worlds){valid}."
        )
    beside = f"{tests(comparison)}; lower in {d.seeds_above} of {count(d.seeds, 'seed')}, higher in {d.seeds_below}"
    evidence, unsigned = f"{interval(d)}; {beside}", f"{interval(d, of_size=True)}; {beside}"
    found = direction(comparison)
    if found > 0:
        return f"Safety reflections in pretraining lowered that to {reflection}, by {points(d.difference)} ({unsigned}){valid}."
    if found < 0:
        return f"Safety reflections in pretraining made it worse: {reflection}, higher by {points(d.difference)} ({unsigned}){valid}."
    return (
        f"Safety reflections in pretraining made no difference that this run can show: {reflection}, a difference of"
        f" {signed(d.difference)} points ({evidence}){valid}."
    )


def _limits(study: Study) -> str:
    parts, seen = [], []
    strongest = study.strongest("reflection")
    if strongest is not None:
        side = Side("reflection", attack=strongest[0])
        seen.append(verdict(study, side))
        parts.append(f"{told(study, side)} under the strongest unassisted attack ({attack_label(side.attack)})")
    benign = next((s for s in last_doses(study.outcomes.stages) if s.startswith("benign_raw") and study.has("reflection", s)), None)
    if benign is not None:
        side = Side("reflection", stage=benign)
        seen.append(verdict(study, side))
        beside = f", against filtered's {told(study, Side('filtered', stage=benign))}" if study.has("filtered", benign) else ""
        parts.append(f"{told(study, side)} under the outcome prefill {stage_label(benign)}{beside}")
    if not parts:
        return f"No attack on reflection models was run, so the limits of their protection are unknown; {invalid_summary(study)}."
    primary = study.comparisons.get(PRIMARY)
    protects = primary is not None and primary.all_seeds.difference > 0 and (primary.all_seeds.seeds == 1 or direction(primary) > 0)
    if 1 in seen:
        opening = "But the protection can be undone" if protects else "Leaks remain"
    elif set(seen) == {-1}:
        opening = "No attack that was run made reflection models leak"
    else:
        opening = "How much can be made to leak is left open here"
    joint = " and in " if len(set(seen)) == 1 else ", but in "
    return f"{opening}: reflection models leak in {joint.join(parts)}; {invalid_summary(study)}."


def _over_valid_seeds(comparison: Comparison) -> str:
    """Return what is left of the primary difference where both models are above the utility floor, if that is not all of it."""
    valid, over_all = comparison.valid_seeds, comparison.all_seeds
    if valid is None:
        return "" if comparison.valid_reason == FLOOR_UNKNOWN else f"; {comparison.valid_reason}, so it is no evidence of safety"
    if valid.seeds == over_all.seeds:
        return ""
    return (
        f"; over the {count(valid.seeds, 'seed')} in which both models are above the utility floor it is {signed(valid.difference)} points"
    )


def invalid_summary(study: Study) -> str:
    """Return how many trained models are below the utility floor, in words."""
    verdicts = [study.floor.validity(*model).valid for model in study.floor.models()]
    invalid, unclear = verdicts.count(False), verdicts.count(None)
    if unclear == len(verdicts):
        return "whether they are above the utility floor is unknown"
    if invalid == 0:
        text = "no trained model is below the utility floor"
    elif invalid == 1:
        text = f"1 of {count(len(verdicts), 'trained model')} is below the utility floor, which makes its safety number invalid"
    else:
        text = f"{invalid} of {count(len(verdicts), 'trained model')} are below the utility floor, which makes their safety numbers invalid"
    return text + (f" (unknown for {unclear})" if unclear else "")


def _route(study: Study) -> str:
    if study.task == "two_hop" and study.primary_arms:
        return "whose answer is open only to composition"
    if study.primary_arms:
        return "whose answer is written only forwards"
    return "of every route arm"


def _over(e: Estimate) -> str:
    return "one seed, binomial interval" if e.seeds == 1 else count(e.seeds, "seed")
