"""One HTML file to read a graph by: the text with its mentions and evidence, the graph drawn, the items listed.

Knows nothing about where the graph came from. No request leaves the page, and nothing in a report's text is live.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kgtune import grounding, highlighting
from kgtune import page as pages
from kgtune.export import layout
from kgtune.export.layout import Point
from kgtune.export.raw import LOW_CONFIDENCE
from kgtune.export.records import Content, Exported
from kgtune.graph import Graph

WIDTH, HEIGHT = 920, 560
BESIDE, ABOVE = 105, 45  # room for a name of MOST_NAME_CHARS around a node at the border
RADIUS = 9
MOST_NAME_CHARS = 28


def write(content: Content) -> Exported:
    """Write the page. What is not in the text, and what is not sure, is marked in its lists."""
    graph = content.graph
    labels = [label.name for label in content.ontology.labels] if content.ontology else []
    colours = highlighting.colours_of([*labels, *(entity.labels for entity in graph.entities)])
    haystack = grounding.Haystack(content.text)
    page = pages.render(
        "graph_page.html.j2",
        styles=["graph_page.css"],
        scripts=["graph_page.js"],
        is_report=False,
        document=content.document,
        text=highlighting.html(highlighting.segments(content.text, graph), graph, colours),
        lang={"zh": "zh", "en": "en"}.get(grounding.language_of(content.text), "mul"),
        drawing=_drawing(graph, colours),
        graph=graph,
        names=graph.names(),
        is_in_text={entity.id: haystack.anchor(entity.name) is not None for entity in graph.entities},
        has_evidence=[haystack.first(edge.evidence) is not None for edge in graph.relationships],
        low_confidence=LOW_CONFIDENCE,
        colours=colours,
    )
    return Exported(page.encode("utf-8"))


def _drawing(graph: Graph, colours: Mapping[str, int]) -> dict[str, Any]:
    places = {
        id_: (BESIDE + x * (WIDTH - 2 * BESIDE), ABOVE + y * (HEIGHT - 2 * ABOVE))
        for id_, (x, y) in layout.positions(graph).items()
    }
    nodes = [
        {
            "id": one.id,
            "x": f"{places[one.id][0]:.1f}",
            "y": f"{places[one.id][1]:.1f}",
            "colour": colours[one.labels],
            "name": one.name if len(one.name) <= MOST_NAME_CHARS else one.name[: MOST_NAME_CHARS - 1] + "…",
            "title": f"{one.labels}: {one.name}",
        }
        for one in graph.entities
    ]
    edges = [
        {"path": _path(places[edge.source], places[edge.target], number), "title": f"{edge.type} {edge.confidence:g}"}
        for number, edge in enumerate(graph.relationships)
    ]
    return {"width": WIDTH, "height": HEIGHT, "radius": RADIUS, "nodes": nodes, "edges": edges}


def _path(start: Point, end: Point, number: int) -> str:
    """Draw from edge to edge of two nodes, a little bent, each edge of two nodes in a bend of its own."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    if length < 2 * RADIUS:  # a loop, or nodes on top of each other
        x, y = start
        return f"M{x:.1f} {y - RADIUS:.1f}c-28 -34 28 -34 0 0"
    ux, uy = dx / length, dy / length
    bend = 12 + 10 * (number % 3)
    middle = (start[0] + dx / 2 - uy * bend, start[1] + dy / 2 + ux * bend)
    first = (start[0] + ux * RADIUS, start[1] + uy * RADIUS)
    last = (end[0] - ux * (RADIUS + 5), end[1] - uy * (RADIUS + 5))
    return "M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}".format(*first, *middle, *last)
