"""What an export is made of, and what comes out of it.

Knows nothing about formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kgtune.document import Document
from kgtune.graph import Graph
from kgtune.ontology import Ontology


@dataclass(frozen=True, slots=True)
class Content:
    """A closed graph over its text, where the text comes from, and the ontology that names its labels and types."""

    graph: Graph
    text: str
    document: Document = field(default_factory=Document)
    ontology: Ontology | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The bytes of a format. `findings` counts what it has no place for, or had to write otherwise, by reason."""

    content: bytes
    findings: Counter[str] = field(default_factory=Counter)


Writer = Callable[[Content], Exported]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a graph, of what media type that is, and how its files end.

    `places` are the keys of a document that it carries on; "name" is the title, else the address.
    """

    write: Writer
    media_type: str
    suffix: str
    places: tuple[str, ...] = ()
