"""The world: entities, facts, safety, splits and queries as read-only columns.

Entity ids are 0..N-1: compounds first, then mediators, layer by layer, then outcomes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.errors import require_choice
from medsafetyworld.world import safety
from medsafetyworld.world.config import HAZARDS, WorldConfig
from medsafetyworld.world.graph import draw_edges, draw_mediator_edges, join_chains, trace_pairs
from medsafetyworld.world.names import draw_labelled_names, draw_names
from medsafetyworld.world.queries import Query, QueryColumns, build_queries
from medsafetyworld.world.schema import relations, resolve_hops, slots
from medsafetyworld.world.splits import CLOSURES, SPLITS, draw_splits

if TYPE_CHECKING:
    import networkx

Scalar = TypeVar("Scalar", bound=np.generic)
KINDS = ("compound", "mediator", "outcome")


@dataclass(frozen=True, eq=False)
class World:
    """A causal graph of invented medical entities. Immutable: every array is read-only.

    Make one with `generate` or `load`. Columns are over all N entities.
    """

    config: WorldConfig
    names: NDArray[np.object_]
    """(N,) strings."""
    unsafe: NDArray[np.bool_]
    """(N,) True for unsafe outcomes."""
    hazard: NDArray[np.int8]
    """(N,) index into `hazard_names`, -1 where none."""
    heldout: NDArray[np.bool_]
    """(N,) True for held-out outcomes, which no training stage queries."""
    arm: NDArray[np.object_]
    """(N,) route arm of held-out outcomes, "" elsewhere."""
    composed: NDArray[np.bool_]
    """(N,) True for held-out safe outcomes whose whole-chain reverse statement is withheld."""
    single_edges: NDArray[np.int32]
    """(F, 2) cause and effect: compound to outcome (single_hop) or to a mediator of the first layer (two_hop)."""
    pair_edges: NDArray[np.int32]
    """(G, 3) two causes, the smaller id first, and the outcome: of compounds (single_hop) or of mediators of the last layer (two_hop)."""
    mediator_edges: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int32))
    """(E, 2) cause and effect, mediators of adjacent layers, layer by layer; empty up to two hops."""

    def __post_init__(self) -> None:
        for column in (self.names, self.unsafe, self.hazard, self.heldout, self.arm, self.composed, *self._edges):
            column.setflags(write=False)

    @staticmethod
    def generate(config: WorldConfig) -> World:
        """Draw the world of a configuration: the same bytes on every machine."""
        compounds, mediators, outcomes = _layers(config)
        singles, pairs = draw_edges(config)
        first_joined = mediators.stop - config.mediators if config.task == "two_hop" else compounds.start
        splits = draw_splits(config)
        if config.label_visible:
            outcome_names = draw_labelled_names(config.seed, splits.unsafe)
        else:
            outcome_names = draw_names(config.seed, "outcome", len(outcomes))
        compound_names, mediator_names = (
            draw_names(config.seed, "compound", len(compounds)),
            draw_names(config.seed, "mediator", len(mediators)),
        )
        return World(
            config=config,
            names=np.concatenate([compound_names, mediator_names, outcome_names]),
            unsafe=_after(outcomes.start, splits.unsafe, False),
            hazard=_after(outcomes.start, splits.hazard, -1),
            heldout=_after(outcomes.start, splits.heldout, False),
            arm=_after(outcomes.start, splits.arm, ""),
            composed=_after(outcomes.start, splits.composed, False),
            single_edges=(singles + np.array([compounds.start, mediators.start])).astype(np.int32),
            pair_edges=(pairs + np.array([first_joined, first_joined, outcomes.start])).astype(np.int32),
            mediator_edges=(draw_mediator_edges(config) + mediators.start).astype(np.int32),
        )

    def save(self, directory: str | Path) -> None:
        """Write the world directory: `world.json`, `entities.parquet`, `edges.parquet`, `queries.parquet`."""
        from medsafetyworld.world.storage import save

        save(self, Path(directory))

    @staticmethod
    def load(directory: str | Path) -> World:
        """Read a world directory; raises `DataError` if it is missing, damaged or of another format."""
        from medsafetyworld.world.storage import load

        return load(Path(directory))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, World) and self.content_hash == other.content_hash

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        return f"World({self.config.task}, {self.hops} hops, {len(self.names)} entities, hash {self.content_hash[:12]})"

    @cached_property
    def content_hash(self) -> str:
        """SHA-256, in hex, of the configuration and every column."""
        digest = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for text in (self.names, self.arm):
            digest.update(("\n".join(text) + "\n").encode())
        for column in (self.unsafe, self.hazard, self.heldout, self.composed, *self._edges):
            digest.update(np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    @property
    def _edges(self) -> tuple[NDArray[np.int32], ...]:
        return self.single_edges, self.pair_edges, self.mediator_edges

    @property
    def hops(self) -> int:
        """Causal steps of a whole chain."""
        return resolve_hops(self.config.task, self.config.hops)

    @property
    def compounds(self) -> range:
        """Ids of the compounds."""
        return _layers(self.config)[0]

    @property
    def mediators(self) -> range:
        """Ids of the mediators of all layers; empty in single_hop."""
        return _layers(self.config)[1]

    @property
    def mediator_layers(self) -> tuple[range, ...]:
        """Ids of the mediators of each layer, from the compounds on; none in single_hop."""
        size = self.config.mediators
        return tuple(self.mediators[layer * size : (layer + 1) * size] for layer in range(self.hops - 1))

    @property
    def outcomes(self) -> range:
        """Ids of the outcomes."""
        return _layers(self.config)[2]

    @cached_property
    def kind(self) -> NDArray[np.int8]:
        """(N,) index into `KINDS`: 0 compound, 1 mediator, 2 outcome."""
        return _frozen(np.repeat(np.arange(3, dtype=np.int8), [len(layer) for layer in _layers(self.config)]))

    @property
    def hazard_names(self) -> tuple[str, ...]:
        """The hazard categories among which unsafe outcomes are dealt."""
        return HAZARDS[: self.config.hazard_categories]

    @property
    def slots(self) -> tuple[str, ...]:
        """Places in a fact: compounds a1, a2, mediators b1, b2 (a1 causes b1, a2 causes b2), further layers d, e, f, and the outcome c."""
        return slots(self.config.task, self.hops)

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations of the world, from the compounds on."""
        return relations(self.config.task, self.hops)

    @property
    def whole_chain_relations(self) -> tuple[str, ...]:
        """The relations that join compounds to an outcome."""
        return safety.WHOLE_CHAIN_RELATIONS[self.config.task]

    def is_whole_chain(self, relation: str) -> bool:
        """Whether facts of `relation` join compounds to an outcome."""
        require_choice(relation, "relation", self.relations)
        return safety.is_whole_chain(relation)

    def directions(self, relation: str) -> tuple[str, ...]:
        """Return the directions in which facts of `relation` are stated."""
        require_choice(relation, "relation", self.relations)
        return safety.DIRECTIONS[self.config.task]

    def facts(self, relation: str) -> NDArray[np.int32]:
        """Return the facts of `relation`, (F, len(slots)) entity ids with -1 where a slot is empty.

        Entities stand in the slots that they have in a chain. Facts of `chain` and of `compound_pair_mediator_pair` correspond row by row;
        those between mediator layers come layer by layer, with a pair for each row of `mediator_pair_outcome`.
        """
        require_choice(relation, "relation", self.relations)
        return self._facts[relation]

    @cached_property
    def _facts(self) -> dict[str, NDArray[np.int32]]:
        if self.config.task == "single_hop":
            return {
                "compound_outcome": _aligned(self.single_edges, [0, 2], 3),
                "compound_pair_outcome": _aligned(self.pair_edges, [0, 1, 2], 3),
            }
        width = len(self.slots)
        traced = trace_pairs(self.mediator_edges, self.pair_edges, self.hops - 1)
        chains = join_chains(self.single_edges, traced, self.pair_edges[:, 2])
        facts = {
            "compound_mediator": _aligned(self.single_edges, [0, 2], width),
            "compound_pair_mediator_pair": _aligned(chains[:, :4], [0, 1, 2, 3], width),
            "mediator_pair_outcome": _aligned(self.pair_edges, [width - 3, width - 2, width - 1], width),
            "chain": _frozen(chains),
        }
        if self.hops > 2:
            edges = self.mediator_edges.reshape(self.hops - 2, -1, 2)
            links, pairs = (np.full((self.hops - 2, count, width), -1, dtype=np.int32) for count in (self.config.mediators, len(traced)))
            for step, first in enumerate(range(2, width - 3, 2)):
                links[step][:, [first, first + 2]] = edges[step]
                pairs[step][:, first : first + 4] = traced[:, first - 2 : first + 2]
            facts |= {
                "mediator_mediator": _frozen(links.reshape(-1, width)),
                "mediator_pair_mediator_pair": _frozen(pairs.reshape(-1, width)),
            }
        return facts

    def withheld(self, relation: str, direction: str) -> NDArray[np.bool_]:
        """Return (N,): the outcomes about which no corpus states facts of `relation` in `direction`, whatever the condition."""
        require_choice(direction, "direction", self.directions(relation))
        closing = [arm for arm, closed in CLOSURES[self.config.task].items() if (relation, direction) in closed]
        closed = self.composed.copy() if direction == "reverse" and relation in self.whole_chain_relations else np.zeros_like(self.composed)
        held = np.flatnonzero(self.heldout)
        closed[held] |= np.isin(self.arm[held].astype(str), closing)
        return _frozen(closed)

    @cached_property
    def query_columns(self) -> QueryColumns:
        """All queries as columns."""
        facts = np.concatenate([self.facts(relation) for relation in self.whole_chain_relations])
        closed = None
        if self.config.task == "single_hop":
            closed = self.withheld("compound_outcome", "forward")
        return build_queries(facts[:, :2], facts[:, -1], self.unsafe, self.heldout, self.arm, self.composed, closed)

    @cached_property
    def _queries(self) -> tuple[Query, ...]:
        columns = self.query_columns
        return tuple(columns.query(index) for index in range(len(columns.category)))

    def queries(self, category: str | None = None, split: str | None = None) -> tuple[Query, ...]:
        """Return the queries, of one category or split if given. `queries()[i].query_id` is i."""
        if category is not None:
            require_choice(category, "category", safety.CATEGORIES)
        if split is not None:
            require_choice(split, "split", SPLITS)
        return tuple(query for query in self._queries if category in (None, query.category) and split in (None, query.split))

    @cached_property
    def graph(self) -> networkx.MultiDiGraph[int]:
        """The world as a networkx graph for people: ids as nodes, an edge for each cause of a fact."""
        from medsafetyworld.world.view import networkx_view

        return networkx_view(self)


def _layers(config: WorldConfig) -> tuple[range, range, range]:
    mediators = config.mediators * (resolve_hops(config.task, config.hops) - 1)
    first_outcome = config.compounds + mediators
    return range(config.compounds), range(config.compounds, first_outcome), range(first_outcome, first_outcome + config.outcomes)


def _after(start: int, values: NDArray[Scalar], fill: object) -> NDArray[Scalar]:
    """Return a column over all entities from one over the outcomes."""
    column = np.full(start + len(values), fill, dtype=values.dtype)
    column[start:] = values
    return column


def _aligned(values: NDArray[np.int32], places: list[int], width: int) -> NDArray[np.int32]:
    facts = np.full((len(values), width), -1, dtype=np.int32)
    facts[:, places] = values
    return _frozen(facts)


def _frozen(values: NDArray[Scalar]) -> NDArray[Scalar]:
    values.setflags(write=False)
    return values
