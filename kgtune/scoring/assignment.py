"""The one-to-one pairing of greatest total weight, exact, over sparse pairs.

Knows nothing about names or graphs: rows, columns and whole-number weights. Whole numbers make ties and totals exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

Pair = tuple[int, int]


def assign(weights: Mapping[Pair, int]) -> list[Pair]:
    """Choose pairs so that no row and no column stands in two and the weights' total is greatest.

    Only pairs listed can be chosen; weights are positive. Independent groups of pairs are solved apart: of names,
    nearly all groups are one pair.
    """
    chosen: list[Pair] = []
    for pairs in _components(weights):
        if len(pairs) == 1:
            chosen += pairs
        else:
            chosen += _solved(pairs, weights)
    return sorted(chosen)


def _components(weights: Mapping[Pair, int]) -> list[list[Pair]]:
    """Group the pairs that share rows or columns, directly or through others."""
    by_row: dict[int, list[Pair]] = defaultdict(list)
    by_column: dict[int, list[Pair]] = defaultdict(list)
    for pair in weights:
        by_row[pair[0]].append(pair)
        by_column[pair[1]].append(pair)
    seen: set[Pair] = set()
    components: list[list[Pair]] = []
    for first in weights:
        if first in seen:
            continue
        seen.add(first)
        component = [first]
        for pair in component:  # grows while it is walked
            for other in (*by_row.pop(pair[0], ()), *by_column.pop(pair[1], ())):
                if other not in seen:
                    seen.add(other)
                    component.append(other)
        components.append(component)
    return components


def _solved(pairs: list[Pair], weights: Mapping[Pair, int]) -> list[Pair]:
    """Solve one group as a dense matrix with the shorter side as its lines; a missing pair weighs nothing."""
    rows, columns = sorted({row for row, _ in pairs}), sorted({column for _, column in pairs})
    is_turned = len(rows) > len(columns)
    if is_turned:
        rows, columns = columns, rows
    matrix = [[weights.get((column, row) if is_turned else (row, column), 0) for column in columns] for row in rows]
    found = [
        (rows[line], columns[place]) for line, place in enumerate(_cheapest([[-w for w in row] for row in matrix]))
    ]
    turned = [(column, row) for row, column in found] if is_turned else found
    return [pair for pair in turned if pair in weights]


def _cheapest(costs: list[list[int]]) -> list[int]:
    """Return for each line its column, of least total cost: the Hungarian method by shortest augmenting paths.

    Kuhn 1955, Munkres 1957, with the potentials of Jonker and Volgenant 1987. Lines may not outnumber columns.
    """
    num_columns = len(costs[0])
    line_price = [0] * len(costs)
    column_price = [0] * (num_columns + 1)
    line_of = [-1] * (num_columns + 1)  # the last column is where a new line starts
    for line in range(len(costs)):
        _augment(line, costs, line_price, column_price, line_of)
    found = [0] * len(costs)
    for column in range(num_columns):
        if line_of[column] >= 0:
            found[line_of[column]] = column
    return found


def _augment(
    line: int, costs: list[list[int]], line_price: list[int], column_price: list[int], line_of: list[int]
) -> None:
    """Give one more line a column along the cheapest path of swaps, and raise the prices that it met."""
    num_columns = len(costs[0])
    at, line_of[num_columns] = num_columns, line
    open_columns = set(range(num_columns))
    distance: dict[int, int] = {}
    came_from: dict[int, int] = {}
    tree = [at]
    while line_of[at] >= 0:
        current, base = line_of[at], costs[line_of[at]]
        for column in open_columns:
            reduced = base[column] - line_price[current] - column_price[column]
            if column not in distance or reduced < distance[column]:
                distance[column], came_from[column] = reduced, at
        nearest = min(open_columns, key=lambda column: (distance[column], column))
        step = distance[nearest]
        for column in tree:
            line_price[line_of[column]] += step
            column_price[column] -= step
        for column in open_columns:
            distance[column] -= step
        open_columns.remove(nearest)
        tree.append(nearest)
        at = nearest
    while at != num_columns:
        line_of[at] = line_of[came_from[at]]
        at = came_from[at]
    line_of[num_columns] = -1
