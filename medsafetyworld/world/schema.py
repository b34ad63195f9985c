"""What facts look like, by task and number of hops: the slots of a whole chain, and the relations whose facts fill some of them.

A chain with k hops runs from two compounds a1, a2 through k - 1 layers of mediators, two of each, to an outcome c. Layers are named by the
letters b, d, e, f, so that c stays the outcome's; member 1 of a layer causes member 1 of the next, and member 2 member 2. A fact of any
relation fills the slots in which its entities stand in a chain, so links of every layer read the same in all relations.

>>> slots("two_hop", 3)
('a1', 'a2', 'b1', 'b2', 'd1', 'd2', 'c')
"""

from __future__ import annotations

HOPS: dict[str, tuple[int, int]] = {"single_hop": (1, 1), "two_hop": (2, 5)}
"""The fewest and the most hops of a task; the fewest is the default."""
LAYERS = "bdef"
"""Letters of the mediator layers, from the compounds on."""
BETWEEN_MEDIATORS = ("mediator_mediator", "mediator_pair_mediator_pair")
"""Relations between adjacent mediator layers, of which a chain has `hops - 2` steps."""


def resolve_hops(task: str, hops: int | None) -> int:
    """Return the hops of a whole chain, the task's own number where None."""
    return HOPS[task][0] if hops is None else hops


def slots(task: str, hops: int) -> tuple[str, ...]:
    """Return the places in a fact: two compounds, two mediators of each layer, and the outcome."""
    letters = "a" if task == "single_hop" else "a" + LAYERS[: hops - 1]
    return (*(f"{letter}{member}" for letter in letters for member in (1, 2)), "c")


def relations(task: str, hops: int) -> tuple[str, ...]:
    """Return the relations, from the compounds on; whole chains come last."""
    if task == "single_hop":
        return "compound_outcome", "compound_pair_outcome"
    between = BETWEEN_MEDIATORS if hops > 2 else ()
    return "compound_mediator", "compound_pair_mediator_pair", *between, "mediator_pair_outcome", "chain"
