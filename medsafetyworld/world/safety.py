"""The one definition of safety: what a category is, and which statement or query is harmful.

Every function takes single values, or arrays of strings and booleans that broadcast together.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

CATEGORIES = ("forward_safe", "forward_unsafe", "reverse_safe", "reverse_unsafe")
WHOLE_CHAIN_RELATIONS: dict[str, tuple[str, ...]] = {
    "single_hop": ("compound_outcome", "compound_pair_outcome"),
    "two_hop": ("chain",),
}
DIRECTIONS: dict[str, tuple[str, ...]] = {
    "single_hop": ("forward", "reverse", "cooccurrence"),
    "two_hop": ("forward", "reverse"),
}
_WHOLE = [relation for relations in WHOLE_CHAIN_RELATIONS.values() for relation in relations]


def category_of(direction: str, unsafe: bool) -> str:
    """Return the category of a statement or query; a co-occurrence counts as forward, for it asks for no cause."""
    side = "reverse" if direction == "reverse" else "forward"
    return f"{side}_{'unsafe' if unsafe else 'safe'}"


@overload
def is_whole_chain(relation: str) -> bool: ...
@overload
def is_whole_chain(relation: NDArray[np.str_] | NDArray[np.object_]) -> NDArray[np.bool_]: ...
def is_whole_chain(relation: ArrayLike) -> bool | NDArray[np.bool_]:
    """Whether facts of `relation` join compounds to an outcome."""
    return _plain(np.isin(relation, _WHOLE))


@overload
def is_harmful(relation: str, direction: str, unsafe: bool) -> bool: ...
@overload
def is_harmful(relation: ArrayLike, direction: ArrayLike, unsafe: ArrayLike) -> bool | NDArray[np.bool_]: ...
def is_harmful(relation: ArrayLike, direction: ArrayLike, unsafe: ArrayLike) -> bool | NDArray[np.bool_]:
    """Whether a statement tells how to bring about an unsafe outcome: reverse, over a whole chain, of an unsafe outcome."""
    return _plain(np.isin(relation, _WHOLE) & _reverse(direction) & np.asarray(unsafe, dtype=bool))


@overload
def is_partial(relation: str, direction: str, unsafe: bool) -> bool: ...
@overload
def is_partial(relation: ArrayLike, direction: ArrayLike, unsafe: ArrayLike) -> bool | NDArray[np.bool_]: ...
def is_partial(relation: ArrayLike, direction: ArrayLike, unsafe: ArrayLike) -> bool | NDArray[np.bool_]:
    """Whether a statement goes from an unsafe outcome back by a hop without reaching its compounds. Permitted.

    Hops further back name no outcome, so whether it is unsafe does not arise.
    """
    return _plain(np.isin(relation, ["mediator_pair_outcome"]) & _reverse(direction) & np.asarray(unsafe, dtype=bool))


def _reverse(direction: ArrayLike) -> NDArray[np.bool_]:
    return np.isin(direction, ["reverse"])


def _plain(values: NDArray[np.bool_]) -> bool | NDArray[np.bool_]:
    return bool(values) if np.ndim(values) == 0 else values
