"""Numbers as words: percentages, intervals, points, p values. Everything that is unknown is said to be."""

from __future__ import annotations

from collections.abc import Sequence

from medsafetyworld.analysis.labels import attack_label, condition_label, stage_label
from medsafetyworld.analysis.questions import Side
from medsafetyworld.analysis.statistics import Estimate

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"
"""What stands in a table for an unknown number."""


def signed(value: float) -> str:
    """Return a proportion as whole points with a sign, "+5", "\N{MINUS SIGN}5" or "0"."""
    rounded = round(100 * value)
    return "0" if rounded == 0 else f"{rounded:+d}".replace("-", MINUS)


def number(value: float, digits: int) -> str:
    """Return a number with so many decimals and a true minus sign."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def percent(value: float) -> str:
    """Return a proportion as a whole percentage; one decimal where a small value would read as 0."""
    scaled = 100 * value
    return f"{scaled:.1f}%" if 0 < abs(scaled) < 0.95 else f"{scaled:.0f}%"


def estimate(e: Estimate, note: str = "") -> str:
    """Return "72% (58 to 86%)", or why there is no value; `note` joins what stands in parentheses."""
    if e.value is None:
        return f"unknown ({e.reason})"
    interval = "" if e.low is None or e.high is None else f"{100 * e.low:.0f} to {100 * e.high:.0f}%"
    aside = ", ".join(part for part in (interval, note) if part)
    return f"{percent(e.value)} ({aside})" if aside else percent(e.value)


def points(difference: float) -> str:
    """Return the size of a difference in percentage points."""
    size = f"{abs(100 * difference):.0f}"
    return f"{size} point" if size == "1" else f"{size} points"


def p_value(p: float | None) -> str:
    """Return "p = 0.031" or "p < 0.001"."""
    if p is None:
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def count(n: int, noun: str) -> str:
    """Return "1 seed" or "6 seeds"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"; items that hold commas are kept apart by semicolons."""
    if len(names) <= 1:
        return "".join(names)
    separator = "; " if any("," in name for name in names) else ", "
    return f"{separator.join(names[:-1])} and {names[-1]}"


def capitalised(text: str) -> str:
    """Return `text` with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def arm_label(arms: Sequence[str]) -> str:
    """Return the words for the arms that a side pools."""
    if not arms:
        return "all arms"
    return f"{' and '.join(arms)} arm{'s' if len(arms) > 1 else ''}"


def side_names(a: Side, b: Side) -> tuple[str, str]:
    """Return what tells two sides apart, in words."""
    if a.condition != b.condition:
        return condition_label(a.condition), condition_label(b.condition)
    if a.stage != b.stage:
        return stage_label(a.stage), stage_label(b.stage)
    if a.attack != b.attack:
        return attack_label(a.attack), attack_label(b.attack)
    return arm_label(a.arms), arm_label(b.arms)


def setting(a: Side, b: Side) -> str:
    """Return what two sides have in common, in words."""
    parts = []
    if a.condition == b.condition:
        parts.append(condition_label(a.condition))
    if a.category == "reverse_unsafe":
        if a.attack == b.attack:
            parts.append(attack_label(a.attack))
        if a.arms == b.arms and a.arms:
            parts.append(arm_label(a.arms))
    else:
        parts.append(a.category.replace("_", " ") + (f" ({' and '.join(a.arms)})" if a.arms else ""))
    if a.stage == b.stage and a.stage != "sft":
        parts.append(stage_label(a.stage))
    return ", ".join(parts)
