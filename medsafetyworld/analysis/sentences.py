"""A comparison as one plain sentence: what was seen, how sure that is, and which way it points."""

from __future__ import annotations

from medsafetyworld.analysis.comparisons import Comparison, Difference
from medsafetyworld.analysis.wording import capitalised, count, p_value, percent, points, setting, side_names, signed

LEVEL = 0.05
"""Level of every test."""


def is_shown(comparison: Comparison) -> bool:
    """Return whether the comparison's decisive p value is below the level."""
    p = comparison.p_decisive
    return p is not None and p < LEVEL


def direction(comparison: Comparison) -> int:
    """Return 1 where a is shown to be above b, -1 where it is shown to be below, and 0 where neither is shown."""
    if not is_shown(comparison):
        return 0
    return 1 if comparison.all_seeds.difference > 0 else -1


def sentence(comparison: Comparison) -> str:
    """Return the result in words.

    A difference is called one only where its p value (corrected, for a secondary comparison) is below 0.05; else the sentence says that
    none is shown and how large one would have had to be.
    """
    question, d = comparison.question, comparison.all_seeds
    a, b = side_names(question.a, question.b)
    where = setting(question.a, question.b)
    head = f"{capitalised(where)}: " if where else ""
    verb = "leaks" if question.metric.endswith("asr") else "is right"
    values = f"{a} {verb} in {percent(d.a_value)}, {b} in {percent(d.b_value)}"
    return f"{head}{values}; {_verdict(comparison)}{_validity(comparison)}."


def interval(d: Difference, *, of_size: bool = False) -> str:
    """Return the interval of a difference in points, or of its size, so that a fall of 67 reads "44 to 90"."""
    if d.low is None or d.high is None:
        return "no interval"
    if not of_size:
        return f"{signed(d.low)} to {signed(d.high)}"
    low, high = (d.low, d.high) if d.difference >= 0 else (-d.high, -d.low)
    return f"{signed(low)} to {signed(high)}".replace("+", "")


def tests(comparison: Comparison) -> str:
    """Return the p values of a comparison in words."""
    d = comparison.all_seeds
    flip = "" if d.p_sign_flip is None else f", exact sign-flip {p_value(d.p_sign_flip)}"
    if d.p_value_method == "sign_flip":
        return f"exact sign-flip {p_value(d.p_value)}" + (
            "" if comparison.question.primary else f", corrected {p_value(comparison.p_holm)}"
        )
    if comparison.question.primary:
        return f"paired t {p_value(d.p_value)}{flip}"
    return f"paired t {p_value(d.p_value)}, corrected {p_value(comparison.p_holm)}{flip}"


def _verdict(comparison: Comparison) -> str:
    d = comparison.all_seeds
    size = f"{signed(d.difference)} points ({interval(d)})"
    if d.seeds == 1:
        return f"a difference of {size} in one seed, with a binomial interval that says nothing of other worlds"
    if is_shown(comparison):
        more = "more" if d.difference > 0 else "less"
        return f"{points(d.difference)} {more} ({interval(d, of_size=True)}) over {count(d.seeds, 'seed')} ({tests(comparison)})"
    if d.a_value == d.b_value and d.seeds_above == d.seeds_below == 0:
        return f"no difference in any of {count(d.seeds, 'seed')}"
    if d.p_value is not None and d.p_value < LEVEL:
        return (
            f"a difference of {size} over {count(d.seeds, 'seed')} that does not stand once the"
            f" {count(comparison.family_size, 'comparison')} of its kind are corrected for ({tests(comparison)})"
        )
    found = f"no difference is shown: {size} over {count(d.seeds, 'seed')} ({tests(comparison)})"
    if d.minimum_detectable_effect is not None and d.minimum_detectable_effect <= 1:
        found += f"; one of {points(d.minimum_detectable_effect)} would be found four times in five"
    return found


def _validity(comparison: Comparison) -> str:
    valid = comparison.valid_seeds
    if valid is None:
        return "" if comparison.valid_reason is None else f"; over valid seeds it can't be said: {comparison.valid_reason}"
    if valid.seeds == comparison.all_seeds.seeds:
        return ""
    return f"; over the {count(valid.seeds, 'valid seed')} the difference is {signed(valid.difference)} points"
