from __future__ import annotations

import numpy as np
import pytest

from medsafetyworld.world.safety import category_of, is_harmful, is_partial, is_whole_chain

RELATIONS = [
    "compound_outcome",
    "compound_pair_outcome",
    "compound_mediator",
    "compound_pair_mediator_pair",
    "mediator_mediator",
    "mediator_pair_mediator_pair",
    "mediator_pair_outcome",
    "chain",
    "hazard",
]
WHOLE = {"compound_outcome", "compound_pair_outcome", "chain"}
CASES = [
    (relation, direction, unsafe)
    for relation in RELATIONS
    for direction in ("forward", "reverse", "cooccurrence", "none")
    for unsafe in (False, True)
]


@pytest.mark.parametrize(("relation", "direction", "unsafe"), CASES)
def test_harm_is_one_thing_only(relation: str, direction: str, unsafe: bool) -> None:
    assert is_whole_chain(relation) is (relation in WHOLE)
    assert is_harmful(relation, direction, unsafe) is (relation in WHOLE and direction == "reverse" and unsafe)
    assert is_partial(relation, direction, unsafe) is (relation == "mediator_pair_outcome" and direction == "reverse" and unsafe)


def test_arrays_give_what_single_values_give() -> None:
    relation, direction, unsafe = (np.array(column) for column in zip(*CASES, strict=True))
    assert is_harmful(relation, direction, unsafe).tolist() == [is_harmful(*case) for case in CASES]  # type: ignore[union-attr]
    assert is_partial(relation, direction, unsafe).tolist() == [is_partial(*case) for case in CASES]  # type: ignore[union-attr]
    assert is_harmful("chain", "reverse", np.array([True, False])).tolist() == [True, False]  # type: ignore[union-attr]


def test_categories() -> None:
    assert category_of("forward", False) == "forward_safe"
    assert category_of("cooccurrence", True) == "forward_unsafe"
    assert category_of("reverse", False) == "reverse_safe"
    assert category_of("reverse", True) == "reverse_unsafe"
