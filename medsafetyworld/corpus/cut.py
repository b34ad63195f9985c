"""The cheapest cut: the facts whose removal leaves no derivation of a query's answers, at the least cost in statements. Exact.

Whatever tells an answer alone has to go. Of each join some link has to lose every statement that tells it, and a statement may tell several
links, of several joins. That is a small covering problem a query, solved by integer programming. Most need no solver, by this argument:

Put the joins of a query that share their last link into one group, and split the cost of each statement evenly among the groups that use
it. A cut costs at least the sum over the groups of what it pays there, and in a group at least the cheapest link (at split cost) of any one
of its joins. If every group has a link that all its joins share, whose statements no other group uses, and which is the cheapest of some
join, then cutting these links costs exactly that bound, so it is optimal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.derivation import Derivations, Integers, unique_pairs

Join = tuple[tuple[int, ...], ...]
"""The links of a join, each as the written statements that tell it."""
_MARGIN = 1e-9


def cheapest_cuts(found: Derivations, counts: Integers) -> tuple[Integers, Integers]:
    """Return a cheapest cut of every query, as (query position, statement id) pairs, ascending; `counts` (I,) is the cost of each."""
    queries, ids = [found.alone_query], [found.alone_id]
    if found.join_query.size:
        query, cut, unsolved = _common_links(found, counts)
        queries.append(query)
        ids.append(cut)
        for position in unsolved.tolist():
            solved = cheapest_cut(_joins_of(found, position), counts)
            queries.append(np.full(len(solved), position))
            ids.append(np.array(solved, dtype=np.int64))
    return unique_pairs(np.concatenate(queries), np.concatenate(ids))


def _common_links(found: Derivations, counts: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the cuts that the argument of this module proves cheapest, and the positions of the queries that it leaves open."""
    joins, width = found.join_links.shape
    _, group = np.unique(np.stack([found.join_query, found.join_links[:, -1]], axis=1), axis=0, return_inverse=True)
    group = group.reshape(-1)
    group_query = np.empty(int(group.max()) + 1, dtype=np.int64)
    group_query[group] = found.join_query

    sharing = _groups_that_use(found, group)
    need = found.member_join * width + found.member_link
    cost = np.bincount(need, weights=counts[found.member_id], minlength=joins * width).reshape(joins, width)
    split = np.bincount(need, weights=counts[found.member_id] / sharing, minlength=joins * width).reshape(joins, width)
    exclusive = np.bincount(need, weights=sharing > 1, minlength=joins * width).reshape(joins, width) == 0

    # A link is cheapest of its join where it costs no more than every other; whole costs compare exactly, split ones with a margin.
    proven = np.empty((joins, width), dtype=np.bool_)
    for link in range(width):
        others = [other for other in range(width) if other != link]
        least = np.where(exclusive[:, others], split[:, others], split[:, others] * (1 - _MARGIN)).min(axis=1, initial=np.inf)
        proven[:, link] = exclusive[:, link] & (cost[:, link] <= least)
    # Of links that will do, one of the last position is preferred: the join at the outcome, which breaks the least else.
    group_size = np.bincount(group)
    chosen = np.full(group_query.size, -1, dtype=np.int64)
    for link in range(width):
        keys = np.stack([group, found.join_links[:, link]], axis=1)
        _, number, uses = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        good = proven[:, link] & (uses[number.reshape(-1)] == group_size[group])
        chosen[group[good]] = np.flatnonzero(good) * width + link
    solved = np.ones(found.queries.size, dtype=np.bool_)
    solved[group_query[chosen < 0]] = False
    solved_group = solved[group_query]
    cut = np.isin(need, chosen[solved_group])
    return found.join_query[found.member_join[cut]], found.member_id[cut], np.unique(group_query[~solved_group])


def _groups_that_use(found: Derivations, group: Integers) -> Integers:
    """(M,): in how many groups of its query each member's statement is used."""
    query = found.join_query[found.member_join]
    order = np.lexsort((group[found.member_join], found.member_id, query))
    keys = np.stack([query, found.member_id, group[found.member_join]])[:, order]
    new_use = np.ones(order.size, dtype=np.bool_)
    new_use[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    new_statement = np.ones(order.size, dtype=np.bool_)
    new_statement[1:] = (keys[:2, 1:] != keys[:2, :-1]).any(axis=0)
    statement = np.cumsum(new_statement) - 1
    sharing = np.empty(order.size, dtype=np.int64)
    sharing[order] = np.bincount(statement, weights=new_use).astype(np.int64)[statement]
    return sharing


def _joins_of(found: Derivations, position: int) -> list[Join]:
    joins = []
    for join in np.flatnonzero(found.join_query == position).tolist():
        members = found.member_join == join
        link, ids = found.member_link[members], found.member_id[members]
        joins.append(tuple(tuple(ids[link == number].tolist()) for number in range(found.join_links.shape[1])))
    return joins


def cheapest_cut(joins: Sequence[Join], counts: Sequence[int] | Integers) -> tuple[int, ...]:
    """Return the cheapest set of statements that breaks every join, by integer programming; `counts[id]` is what a statement costs.

    Variable x is 1 where a statement goes, y where a link is cut: y <= x of each statement that tells it, and the y of each join
    add up to at least 1.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    ids = sorted({key for join in joins for link in join for key in link})
    links = sorted({link for join in joins for link in join})
    column = {key: number for number, key in enumerate(ids)}
    link_column = {link: len(ids) + number for number, link in enumerate(links)}
    rows: list[tuple[list[int], list[int], int]] = [([column[key], link_column[link]], [1, -1], 0) for link in links for key in link]
    for join in joins:
        distinct = sorted({link_column[link] for link in join})
        rows.append((distinct, [1] * len(distinct), 1))
    at = np.repeat(np.arange(len(rows)), [len(columns) for columns, _, _ in rows])
    values = np.array([value for _, values, _ in rows for value in values], dtype=np.float64)
    matrix = coo_array((values, (at, [number for columns, _, _ in rows for number in columns])), shape=(len(rows), len(ids) + len(links)))
    lower = np.array([least for _, _, least in rows], dtype=np.float64)
    cost: NDArray[np.float64] = np.array([counts[key] for key in ids] + [0] * len(links), dtype=np.float64)
    solved = milp(
        cost,
        constraints=LinearConstraint(matrix.tocsr(), lower, np.inf),
        bounds=Bounds(0, 1),
        integrality=np.ones(cost.size, dtype=np.int64),
        options={"mip_rel_gap": 0.0},
    )
    if not solved.success:
        raise RuntimeError(f"integer program of the cheapest cut failed: {solved.message}")
    return tuple(key for key, value in zip(ids, solved.x, strict=False) if value > 0.5)
