"""The contract's own JSON: a graph alone, or as one line with the name of its document.

Knows nothing about files; inference.py writes the same line for each of several texts.
"""

from __future__ import annotations

import json

from kgtune import graph as graphs
from kgtune.export.records import Content, Exported


def json_object(content: Content) -> Exported:
    """Write the graph alone: text and document are no part of the contract's JSON."""
    return Exported(graphs.dumps(content.graph).encode("utf-8"))


def json_line(content: Content) -> Exported:
    """Write ``{"source", "graph"}`` on one line, so that the answers of several texts can be put below each other."""
    value = {"source": content.document.name, "graph": graphs.to_object(content.graph)}
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Exported(f"{line}\n".encode())
