"""A graph as bytes of a media type, by the name of the format.

Knows nothing about HTTP or command lines. A format is one function in FORMATS; what is not there is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kgtune import graph as graphs
from kgtune.errors import UserError
from kgtune.graph import Graph
from kgtune.spelling import suggestion


@dataclass(frozen=True, slots=True)
class Document:
    """Where a text comes from, as far as its sender says. `tlp` is the sharing label: clear, green, amber, ..."""

    title: str | None = None
    url: str | None = None
    published: str | None = None
    tlp: str | None = None


Writer = Callable[[Graph, str, Document], tuple[str, bytes]]


def _json(graph: Graph, _text: str, _document: Document) -> tuple[str, bytes]:
    """Write the graph alone: text and document are no part of the contract's JSON."""
    return "application/json", graphs.dumps(graph).encode("utf-8")


FORMATS: dict[str, Writer] = {"json": _json}


def check(format_: str) -> str:
    """Return the format's name, or say which there are."""
    if format_ not in FORMATS:
        names = ", ".join(FORMATS)
        raise UserError(f'format: there is no "{format_[:40]}". {suggestion(format_[:40], FORMATS)} Known: {names}.')
    return format_


def render(graph: Graph, text: str, format_: str, document: Document) -> tuple[str, bytes]:
    """Return media type and bytes of a graph over its text."""
    return FORMATS[check(format_)](graph, text, document)
