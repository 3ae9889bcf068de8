"""What the figures of ``make test-timing`` mean."""

from __future__ import annotations

import random

import pytest

from tests.timing.effect import cliffs_delta, effect


def test_cliffs_delta_is_what_its_definition_says() -> None:
    assert cliffs_delta([3, 4], [1, 2]) == 1
    assert cliffs_delta([1, 2], [3, 4]) == -1
    assert cliffs_delta([1, 2, 3], [1, 2, 3]) == 0
    dice = random.Random(3)
    first, second = ([dice.randint(0, 9) for _ in range(40)] for _ in range(2))
    counted = sum((one > other) - (one < other) for one in first for other in second)
    assert cliffs_delta(first, second) == pytest.approx(counted / 1600)


def test_a_difference_is_found_and_none_is_not_invented() -> None:
    dice = random.Random(4)
    one, other = ([dice.gauss(0.003, 0.0002) for _ in range(2_000)] for _ in range(2))
    same, slower = effect(one, other), effect([time + 0.00005 for time in one], other)
    assert same.low < 0 < same.high
    assert abs(same.delta) < 0.06
    assert slower.low < 50 < slower.high
    assert slower.low > 0
    assert slower.delta > 0.1
