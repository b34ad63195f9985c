"""What an audit says: one number, held against its bound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one audit. It passes where the statistic does not exceed its bound, or not beyond chance."""

    name: str
    what: str
    """The question, in one line."""
    statistic: float | None
    """None where there is too little to tell; `detail` then says why."""
    interval: tuple[float, float] | None
    """Where the statistic is an estimate: its interval, simultaneous over all audits of the kind."""
    bound: float
    n: int
    """Outcomes, statements, documents, words or names, as `detail` says."""
    passed: bool
    detail: str
    """What was looked at and what stands out, in one line."""


def counted(name: str, what: str, found: list[str], n: int, looked_at: str, bound: int = 0) -> Finding:
    """Return the finding of an audit that counts offences and, where there are any, shows the first."""
    detail = f"{len(found):,} in {n:,} {looked_at}" + (f"; the first: {found[0]}" if found else "")
    return Finding(name, what, float(len(found)), None, float(bound), n, len(found) <= bound, detail)
