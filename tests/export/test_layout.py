"""Places of nodes: inside the picture, apart from each other, and the same each time."""

import math
import time
from itertools import combinations

import pytest

from kgtune.export import layout
from kgtune.graph import Entity, Graph, Relationship


def ring(number):
    entities = tuple(Entity("Tool", f"e{n}", f"n{n}") for n in range(number))
    edges = tuple(Relationship("USE", f"e{n}", f"e{(n + 1) % number}", 0.5) for n in range(number))
    return Graph(entities, edges)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 10, 40])
def test_every_node_has_a_place_of_its_own_in_the_picture(number):
    found = layout.positions(ring(number) if number else Graph())
    assert len(found) == number
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in found.values())
    if number > 1:
        nearest = min(math.dist(a, b) for a, b in combinations(found.values(), 2))
        assert nearest > 0.3 / math.sqrt(number)


def test_neighbours_are_nearer_than_others():
    entities = tuple(Entity("Tool", f"e{n}", f"n{n}") for n in range(12))
    edges = tuple(
        Relationship("USE", f"e{a}", f"e{b}", 0.5)
        for start in (0, 6)
        for a, b in combinations(range(start, start + 6), 2)
    )
    found = layout.positions(Graph(entities, edges))
    inside = [math.dist(found[e.source], found[e.target]) for e in edges]
    across = [math.dist(found[f"e{a}"], found[f"e{b}"]) for a in range(6) for b in range(6, 12)]
    assert sum(inside) / len(inside) < 0.7 * sum(across) / len(across)


def test_what_is_not_connected_does_not_leave_the_picture():
    """Without a pull to the middle, parts fly apart, and each is drawn as one blot."""
    entities = tuple(Entity("Tool", f"e{n}", f"n{n}") for n in range(12))
    edges = tuple(Relationship("USE", f"e{n}", f"e{n + 1}", 0.5) for n in range(0, 8, 2))
    found = list(layout.positions(Graph(entities, edges)).values())
    nearest = [min(math.dist(one, other) for other in found if other is not one) for one in found]
    assert sum(nearest) / len(nearest) > 0.6 / math.sqrt(len(found))


def test_the_same_graph_is_drawn_alike():
    assert layout.positions(ring(20)) == layout.positions(ring(20))


def test_a_large_graph_does_not_take_long():
    began = time.process_time()
    assert len(layout.positions(ring(500))) == 500
    assert time.process_time() - began < 5
