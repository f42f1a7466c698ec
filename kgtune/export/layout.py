"""Where the nodes of a graph are drawn: the same graph, the same picture.

Knows nothing about pages. Forces pull neighbours together, push all nodes apart, and pull all to the middle, or
what is not connected would leave the picture. A large graph gets fewer rounds: none takes longer than about a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kgtune.graph import Graph

_MOST_STEPS = 400_000  # of one pair of nodes; about two per microsecond
_MOST_ROUNDS = 150
_TO_MIDDLE = 2.4

Point = tuple[float, float]


def positions(graph: Graph) -> dict[str, Point]:
    """Return each entity's place in the unit square."""
    ids = [entity.id for entity in graph.entities]
    number = len(ids)
    if number < 2:
        return dict.fromkeys(ids, (0.5, 0.5))
    index = {id_: at for at, id_ in enumerate(ids)}
    edges = sorted({(index[e.source], index[e.target]) for e in graph.relationships if e.source != e.target})
    # a spiral: no two nodes begin at one place, and none on a line with the others
    points = [_on_spiral(at, number) for at in range(number)]
    rounds = min(_MOST_ROUNDS, _MOST_STEPS // (number * number))
    for turn in range(rounds):
        points = _moved(points, edges, 0.1 * (1 - turn / rounds))
    return dict(zip(ids, _fitted(points), strict=True))


def _on_spiral(at: int, number: int) -> Point:
    radius, angle = 0.5 * math.sqrt((at + 0.5) / number), at * 2.399963229728653  # the golden angle
    return 0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)


def _moved(points: Sequence[Point], edges: Sequence[tuple[int, int]], longest: float) -> list[Point]:
    """Move every node by what pulls and pushes it, at most so far."""
    apart = 0.7 / math.sqrt(len(points))
    pushes = [[_TO_MIDDLE * (0.5 - x), _TO_MIDDLE * (0.5 - y)] for x, y in points]
    for one, (x, y) in enumerate(points):
        for two in range(one + 1, len(points)):
            dx, dy = x - points[two][0], y - points[two][1]
            force = apart * apart / max(dx * dx + dy * dy, 1e-6)
            for node, sign in ((one, force), (two, -force)):
                pushes[node][0] += dx * sign
                pushes[node][1] += dy * sign
    for one, two in edges:
        dx, dy = points[one][0] - points[two][0], points[one][1] - points[two][1]
        force = math.hypot(dx, dy) / apart
        for node, sign in ((one, -force), (two, force)):
            pushes[node][0] += dx * sign
            pushes[node][1] += dy * sign
    return [_step(point, push, longest) for point, push in zip(points, pushes, strict=True)]


def _step(point: Point, push: Sequence[float], longest: float) -> Point:
    length = math.hypot(*push)
    share = min(length, longest) / length if length else 0.0
    return point[0] + push[0] * share, point[1] + push[1] * share


def _fitted(points: Sequence[Point]) -> list[Point]:
    """Stretch the picture over the whole square."""
    lows = [min(point[axis] for point in points) for axis in (0, 1)]
    spans = [max(point[axis] for point in points) - lows[axis] for axis in (0, 1)]
    return [
        tuple((point[axis] - lows[axis]) / spans[axis] if spans[axis] > 1e-9 else 0.5 for axis in (0, 1))  # type: ignore[misc]
        for point in points
    ]
