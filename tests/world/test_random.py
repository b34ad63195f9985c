from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsafetyworld.world.random import bits, integers, key_of, mix, permutation, scatter

KEY = key_of(0, "test")


@given(st.integers(1, 400), st.integers(0, 2**63 - 1))
def test_scatter_is_a_bijection(size: int, seed: int) -> None:
    assert sorted(scatter(key_of(seed), np.arange(size), size).tolist()) == list(range(size))


@given(st.integers(2, 2**60), st.integers(0, 2**63 - 1))
def test_scatter_of_large_ranges_stays_inside_and_distinct(size: int, seed: int) -> None:
    values = scatter(key_of(seed), np.arange(min(size, 200)), size)
    assert values.min() >= 0
    assert values.max() < size
    assert len(set(values.tolist())) == len(values)


def test_scatter_of_an_index_does_not_depend_on_its_company() -> None:
    together = scatter(KEY, np.arange(1000), 12_345)
    assert together[[3, 700, 41]].tolist() == scatter(KEY, np.array([3, 700, 41]), 12_345).tolist()


def test_scatter_sends_every_index_everywhere() -> None:
    """Over many keys the image of an index is uniform: chi-square over 12 places, 11 degrees of freedom, far tail."""
    images = np.array([scatter(key_of(seed, "uniform"), np.arange(12), 12) for seed in range(3_000)])
    for index in range(12):
        counts = np.bincount(images[:, index], minlength=12)
        assert ((counts - 250) ** 2 / 250).sum() < 45


def test_keys_depend_on_every_part_and_on_their_order() -> None:
    keys = [key_of(1, "a"), key_of("a", 1), key_of(2, "a"), key_of(1, "b"), key_of(1, "a", ""), key_of("1a")]
    assert len(set(map(int, keys))) == len(keys)


def test_neighbouring_seeds_share_no_words() -> None:
    assert not np.intersect1d(bits(key_of(7), 1000), bits(key_of(8), 1000)).size


def test_values_are_the_same_on_every_machine() -> None:
    assert mix(np.array([1], dtype=np.uint64)).tolist() == [0x5692161D100B05E5]
    assert int(key_of(0, "test")) == 2552812458249398550
    assert integers(KEY, 1000, 4).tolist() == [802, 864, 869, 368]
    assert permutation(KEY, 6).tolist() == [3, 2, 4, 0, 1, 5]
    assert scatter(KEY, np.arange(5), 1000).tolist() == [498, 363, 931, 112, 8]


@pytest.mark.parametrize("count", [0, 1, 50])
def test_permutation_and_integers_have_the_asked_size(count: int) -> None:
    assert sorted(permutation(KEY, count).tolist()) == list(range(count))
    drawn = integers(KEY, 3, count)
    assert drawn.shape == (count,)
    assert set(drawn.tolist()) <= {0, 1, 2}
