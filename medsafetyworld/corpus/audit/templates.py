"""Whether templates are used alike for safe and unsafe outcomes, and whether each is used at all.

Templates come from the metadata, a statement's framing, core and closing; the same is looked for in the text by the audits of wording.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from medsafetyworld.corpus.audit.evidence import Evidence
from medsafetyworld.corpus.audit.finding import Finding

BALANCE_BOUND = 0.1
"""Cramer's V (bias-corrected) from which on an imbalance matters: with two sorts of outcomes, what Cohen calls a small effect."""
UNEVEN_BOUND = 0.05
"""One less the evenness of use (normalised entropy): one of five templates that is never used gives 0.14."""
ERROR_RATE = 0.05
FEWEST_EXPECTED = 5.0
"""Expected count below which fragments are pooled, for chi-square to hold (Cochran's rule)."""
FEWEST_EACH = 20
"""Uses a fragment, in the mean, below which chance alone makes a group uneven."""
PARTS = ("framing", "core", "closing")


def template_balance(evidence: Evidence) -> Finding:
    """Return whether any relation and direction uses its fragments differently for safe and unsafe outcomes.

    One chi-square test for each relation, direction and part, Bonferroni-corrected; it fails where one is significant and its effect above
    the bound. The statistic is the largest effect among the significant ones.
    """
    chosen = np.flatnonzero(evidence.judged)
    unsafe = evidence.world.unsafe[evidence.outcome[chosen]]
    templates = np.array([_parts(evidence.template[index]) for index in chosen], dtype=object).reshape(-1, len(PARTS))
    tested = []
    for code, place in product(range(len(evidence.types)), range(len(PARTS))):
        members = evidence.type[chosen] == code
        fragments, column = np.unique(templates[members, place].astype(str), return_inverse=True)
        table = np.zeros((2, fragments.size))
        np.add.at(table, (unsafe[members].astype(np.int64), column), 1)
        pooled = _pool_rare(table)
        if pooled.shape[1] < 2 or not pooled.sum(axis=1).all():
            continue
        p_value, effect = _test(pooled)
        shares = table / table.sum(axis=1, keepdims=True)
        apart = str(fragments[int(np.argmax(np.abs(shares[1] - shares[0])))])
        tested.append((effect, p_value, f"{PARTS[place]} of {' '.join(evidence.types[code])}, most of all {apart!r}"))
    significant = [one for one in tested if one[1] < ERROR_RATE / len(tested)]
    effect, _, where = max(significant, default=(0.0, 1.0, ""))
    what = "fragments used unequally for safe and unsafe outcomes (Cramer's V)"
    detail = f"{len(tested)} tables of relation, direction and part; {len(significant)} significant" + (f"; {where}" if where else "")
    return Finding("template_balance", what, effect, None, BALANCE_BOUND, int(chosen.size), effect <= BALANCE_BOUND, detail)


def template_use(evidence: Evidence) -> Finding:
    """Return how unevenly the fragments of a group are used, in the group where it is worst, and the size of the vocabulary.

    Groups are those of the template names (`core.chain.reverse.3` is of the group `core.chain.reverse`). How many fragments a group has is
    taken from the library where it knows the group, so that one that is never used counts.
    """
    from medsafetyworld.corpus.library import library

    groups = library(evidence.world.config.task, tuple(evidence.world.hazard_names), evidence.world.hops).groups
    uses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for template, count in Counter(evidence.template).items():
        for part in _parts(template):
            group, _, number = part.rpartition(".")
            if group:
                uses[group][number] += count
    worst, where = 0.0, ""
    for group, counts in sorted(uses.items()):
        size, total = max(len(groups.get(group, ())), len(counts)), sum(counts.values())
        if size < 2 or total < FEWEST_EACH * size:
            continue
        shares = np.array(list(counts.values())) / total
        uneven = 1 + float((shares * np.log(shares)).sum()) / math.log(size)
        if uneven > worst:
            worst, where = uneven, f"; the least even: {group} ({len(counts)} of {size} used)"
    written = len(set(evidence.masked))
    detail = f"{len(uses)} groups; {len(evidence.words)} words, {written:,} wordings of {len(evidence.masked):,} documents{where}"
    what = "fragments of a group used unevenly (1 - normalised entropy)"
    return Finding("template_use", what, worst, None, UNEVEN_BOUND, len(evidence.template), worst <= UNEVEN_BOUND, detail)


def _parts(template: str) -> tuple[str, ...]:
    """Return framing, core and closing; a template of another form counts as a core."""
    parts = tuple(template.split("+"))
    return parts if len(parts) == len(PARTS) else ("-", template, "-")


def _pool_rare(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up the columns that have a cell of too small an expected count."""
    total = max(float(table.sum()), 1.0)
    rare = table.sum(axis=0) * float(table.sum(axis=1).min()) / total < FEWEST_EXPECTED
    pooled = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)]) if rare.any() else table
    kept: NDArray[np.float64] = pooled[:, pooled.sum(axis=0) > 0]
    return kept


def _test(table: NDArray[np.float64]) -> tuple[float, float]:
    """Return the p value of chi-square and the bias-corrected Cramer's V (Bergsma 2013) of a (2, F) table."""
    statistic, p_value, freedom, _ = stats.chi2_contingency(table, correction=False)
    n, columns = float(table.sum()), table.shape[1]
    corrected = max(0.0, statistic / n - freedom / (n - 1))
    narrow = min(2 - 1 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(p_value), math.sqrt(corrected / narrow) if narrow > 0 else 0.0
