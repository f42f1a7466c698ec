"""The pairing of greatest total weight: small ones by hand, many against scipy's."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from kgtune.scoring.assignment import assign


def test_one_pair_is_chosen():
    assert assign({(3, 5): 7}) == [(3, 5)]


def test_nothing_can_be_chosen_from_nothing():
    assert assign({}) == []


def test_two_lesser_pairs_outweigh_the_best_one():
    # taking the heaviest pair first, 10, would leave nothing for the others
    assert assign({(0, 0): 10, (0, 1): 6, (1, 0): 6}) == [(0, 1), (1, 0)]


def test_the_best_pair_stands_when_it_outweighs_both():
    assert assign({(0, 0): 10, (0, 1): 4, (1, 0): 4}) == [(0, 0)]


def test_rows_and_columns_may_be_of_any_number():
    assert assign({(0, column): column + 1 for column in range(300)}) == [(0, 299)]
    assert assign({(row, 0): row + 1 for row in range(300)}) == [(299, 0)]


def test_the_order_of_the_pairs_does_not_count():
    rng = random.Random(2)
    for _ in range(50):
        weights = {(rng.randrange(5), rng.randrange(5)): rng.randint(1, 999) for _ in range(12)}
        pairs = list(weights)
        rng.shuffle(pairs)
        total = sum(weights[pair] for pair in assign({pair: weights[pair] for pair in pairs}))
        assert total == sum(weights[pair] for pair in assign(weights))


def test_the_total_is_scipys_on_10_000_random_cases():
    rng = random.Random(1)
    compared = 0
    for _ in range(10_000):
        rows, columns = rng.randint(1, 9), rng.randint(1, 9)
        density, heaviest = rng.choice([0.1, 0.3, 0.6, 1.0]), rng.choice([1, 2, 5, 1000, 10**12])
        weights = {
            (row, column): rng.randint(1, heaviest)
            for row in range(rows)
            for column in range(columns)
            if rng.random() < density
        }
        chosen = assign(weights)
        assert len({row for row, _ in chosen}) == len({column for _, column in chosen}) == len(chosen)
        matrix = np.zeros((rows, columns))
        for pair, weight in weights.items():
            matrix[pair] = weight
        best = matrix[linear_sum_assignment(matrix, maximize=True)].sum()
        assert sum(weights[pair] for pair in chosen) == best
        compared += 1
    assert compared == 10_000


@pytest.mark.parametrize("size", [40, 80])
def test_a_large_group_is_solved_exactly(size):
    rng = random.Random(size)
    weights = {(row, column): rng.randint(1, 10**6) for row in range(size) for column in range(size + 7)}
    matrix = np.zeros((size, size + 7))
    for pair, weight in weights.items():
        matrix[pair] = weight
    assert sum(weights[pair] for pair in assign(weights)) == matrix[linear_sum_assignment(matrix, maximize=True)].sum()
