from __future__ import annotations

from dataclasses import replace

import numpy as np

from medsafetyworld.corpus.audit.names import name_features
from medsafetyworld.corpus.audit.queries import query_features
from medsafetyworld.world import World
from tests.corpus.audit.planting import told


def test_visible_labels_are_read_off_the_names(world: World) -> None:
    assert told(world, name_features(world)).passed
    labelled = World.generate(replace(world.config, label_visible=True))
    finding = told(labelled, name_features(labelled))
    assert not finding.passed
    assert finding.statistic is not None
    assert finding.statistic > 0.8


def test_wordings_of_queries_that_depend_on_safety_are_found(world: World) -> None:
    assert told(world, query_features(world)).passed
    flawed = World.generate(world.config)
    columns = flawed.query_columns
    unsafe = np.char.endswith(np.array(("forward_safe", "forward_unsafe", "reverse_safe", "reverse_unsafe")), "unsafe")
    flawed.__dict__["query_columns"] = replace(columns, template=unsafe[columns.category].astype(np.int32))
    finding = told(flawed, query_features(flawed))
    assert not finding.passed
    assert finding.statistic == 1.0


def test_answers_in_greater_number_are_found(world: World) -> None:
    flawed = World.generate(world.config)
    queries = [replace(query, answers=query.answers * 3) if query.category == "reverse_unsafe" else query for query in flawed.queries()]
    flawed.__dict__["_queries"] = tuple(queries)
    assert not told(flawed, query_features(flawed)).passed
