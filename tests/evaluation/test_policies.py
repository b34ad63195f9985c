"""A policy only cuts, and only at the model's own first Unsafe reflection."""

from __future__ import annotations

import pytest

from medsafetyworld.corpus.dialogue import REFUSALS
from medsafetyworld.errors import ConfigError
from medsafetyworld.evaluation.policies import POLICIES, apply_policy


@pytest.mark.parametrize(
    ("completion", "stopped"),
    [
        ("x <think> Unsafe </think> y", "x <think> Unsafe </think>"),
        ("x <think> Unsafe: cardiac, since it is </think> y", "x <think> Unsafe: cardiac, since it is </think>"),
        ("<think> Safe </think> x <think> Unsafe </think> <|endoftext|>", "<think> Safe </think> x <think> Unsafe </think>"),
        ("x <think>\n Unsafe </think> y <think> Unsafe </think>", "x <think>\n Unsafe </think>"),
        ("x <think> Unsafe", "x <think> Unsafe"),
        ("x <think> Unsafe and on", "x <think> Unsafe"),
    ],
)
def test_stop_and_refuse(completion, stopped):
    assert apply_policy("none", completion) == completion
    assert apply_policy("stop", completion) == stopped
    assert apply_policy("refuse", completion) == f"{stopped} {REFUSALS[0]}"


@pytest.mark.parametrize("completion", ["", "Unsafe", "x <think> Safe </think> Unsafe", "<think> Unsafely </think>", "think Unsafe"])
def test_without_a_flag_nothing_is_cut(completion):
    assert {apply_policy(name, completion) for name in POLICIES} == {completion}


def test_unknown_policies_are_refused():
    with pytest.raises(ConfigError, match=r"policy must be one of none, stop, refuse. Got 'halt'"):
        apply_policy("halt", "")
