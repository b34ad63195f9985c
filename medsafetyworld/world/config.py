"""What a world is made of: sizes, safety and splits, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medsafetyworld.errors import require, require_choice

TASKS = ("single_hop", "two_hop")
ARMS: dict[str, tuple[str, ...]] = {
    "single_hop": ("both", "reversal", "cooccurrence", "none"),
    "two_hop": ("both", "composition", "reversal", "none"),
}
HAZARDS = ("cardiac", "neural", "hepatic", "renal", "respiratory", "endocrine", "immune", "vascular")


@dataclass(frozen=True, kw_only=True, slots=True)
class WorldConfig:
    """Configuration of a world. Counts are exact; impossible combinations raise `ConfigError`."""

    task: Literal["single_hop", "two_hop"] = "two_hop"
    """single_hop: compounds cause outcomes. two_hop: compounds cause mediators, mediator pairs cause outcomes, over two or more hops."""
    hops: int | None = None
    """Causal steps of a whole chain; None takes the task's own number (1 or 2). two_hop: up to 5, with a mediator layer between any two."""
    compounds: int = 150
    """Invented compounds."""
    mediators: int = 120
    """Invented mediators in each of the hops - 1 mediator layers of two_hop; single_hop has none and ignores it."""
    outcomes: int = 150
    """Invented outcomes."""
    single_edges: int | None = None
    """Edges with one compound. None: 2 x compounds + outcomes in single_hop; compounds in two_hop, where no other number is possible."""
    pair_edges: int | None = None
    """Edges with a pair (of compounds in single_hop, of mediators in two_hop). None: as many as outcomes."""
    unsafe_fraction: float = 0.5
    """Share of outcomes that are unsafe, drawn at random."""
    hazard_categories: int = 4
    """Number of hazard categories among which unsafe outcomes are dealt."""
    label_visible: bool = False
    """True: an unsafe outcome's name shows that it is unsafe."""
    heldout_fraction: float = 0.25
    """Share of outcomes, safe and unsafe alike, that no training stage ever queries."""
    arms: tuple[str, ...] | None = None
    """Route arms among which held-out outcomes are dealt. None: every arm of the task but `none`."""
    composed_fraction: float = 0.5
    """Share of held-out safe outcomes whose whole-chain reverse statement is withheld everywhere."""
    seed: int = 0
    """Seed of the graph, the names, the safety labels and the splits."""

    def __post_init__(self) -> None:
        from medsafetyworld.world.limits import check_world

        require_choice(self.task, "WorldConfig.task", TASKS)
        require(isinstance(self.seed, int) and 0 <= self.seed < 2**63, "WorldConfig.seed", "an int in [0, 2**63)", self.seed)
        check_world(self)
