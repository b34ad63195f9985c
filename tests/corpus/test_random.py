"""Keyed numbers and permutations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medsafetyworld.corpus.random import below, bits, make_key, permute, uniform, unpermute


def test_bits_follow_the_published_generator() -> None:
    zero = np.zeros(1, dtype=np.uint64)
    first = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]  # splitmix64 from seed 0
    assert bits(zero, np.arange(3)).tolist() == first


def test_keys_depend_on_every_part_and_their_order() -> None:
    keys = [make_key("a", 1), make_key("a", 2), make_key(1, "a"), make_key("a1"), make_key("a", "1", "")]
    assert len({int(key[0]) for key in keys}) == len(keys)


@given(size=st.integers(1, 700), seed=st.integers(0, 2**32))
@example(size=1, seed=0)
@example(size=2, seed=0)
@example(size=257, seed=0)
def test_permutation_is_a_bijection_and_inverts(size: int, seed: int) -> None:
    key = make_key(seed)
    places = permute(key, np.arange(size), size)
    assert sorted(places.tolist()) == list(range(size))
    assert unpermute(key, places, size).tolist() == list(range(size))


def test_each_element_can_have_its_own_key() -> None:
    keys = bits(make_key("passes"), np.repeat([3, 4], 50))
    mixed = permute(keys, np.tile(np.arange(50), 2), 50)
    assert mixed[:50].tolist() == permute(keys[:1], np.arange(50), 50).tolist()
    assert mixed[50:].tolist() == permute(keys[50:51], np.arange(50), 50).tolist()
    assert mixed[:50].tolist() != mixed[50:].tolist()


def test_places_of_small_permutations_are_spread_evenly() -> None:
    keys = bits(make_key("spread"), np.arange(12_000))
    places = permute(keys, np.zeros(12_000), 6)
    assert np.bincount(places, minlength=6) == pytest.approx(2_000, abs=250)  # 6 standard deviations


def test_uniform_and_below_cover_their_range_evenly() -> None:
    draws = uniform(make_key("u"), np.arange(40_000))
    assert draws.min() >= 0
    assert draws.max() < 1
    assert np.histogram(draws, bins=10, range=(0, 1))[0] == pytest.approx(4_000, abs=360)
    assert np.bincount(below(make_key("b"), np.arange(40_000), 5), minlength=5) == pytest.approx(8_000, abs=480)
    assert below(make_key("b"), np.arange(4), np.array([1, 1, 1, 1])).tolist() == [0, 0, 0, 0]
