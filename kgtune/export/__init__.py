"""A graph as bytes of a media type, by the name of the format.

Knows nothing about HTTP or command lines. A format is one function in FORMATS; what is not there is refused.

    json, jsonl   the contract's graph          raw   shape (b) of convert_data.py, to be corrected and trained on
    stix          a STIX 2.1 bundle             cypher, csv, graphml   property graphs       html   a page to read
"""

from __future__ import annotations

from collections import Counter

from kgtune.document import SOURCE_KEYS, Document
from kgtune.errors import UserError
from kgtune.export import cypher, graphml, page, plain, raw, stix, tables
from kgtune.export.records import Content, Exported, Format
from kgtune.graph import HALF_CHARACTER, Graph
from kgtune.ontology import Ontology
from kgtune.spelling import nearest

__all__ = ["FORMATS", "Document", "Exported", "check", "render", "unplaced"]

FORMATS: dict[str, Format] = {
    "json": Format(plain.json_object, "application/json", ".json"),
    "jsonl": Format(plain.json_line, "application/x-ndjson", ".jsonl", ("name",)),
    "raw": Format(raw.write, "application/x-ndjson", ".raw.jsonl", ("name",)),
    "stix": Format(stix.write, "application/stix+json;version=2.1", ".stix.json", SOURCE_KEYS),
    "cypher": Format(cypher.write, "application/x-cypher-query", ".cypher"),
    "csv": Format(tables.write, "application/zip", ".csv.zip"),
    "graphml": Format(graphml.write, "application/graphml+xml", ".graphml"),
    "html": Format(page.write, "text/html; charset=utf-8", ".html", ("name", *SOURCE_KEYS[1:])),
}


def check(format_: str) -> str:
    """Return the format's name, or say which there are."""
    if format_ not in FORMATS:
        near = nearest(format_[:40], FORMATS)
        meant = f'Did you mean "{near}"? ' if near else ""
        raise UserError(f'format: there is no "{format_[:40]}". {meant}Known: {", ".join(FORMATS)}.')
    return format_


def render(graph: Graph, text: str, format_: str, document: Document, ontology: Ontology | None = None) -> Exported:
    """Return the bytes of a closed graph over its text, and what of it the format could not take as it is."""
    content = Content(graph, text, document, ontology)
    _refuse_half_characters(content)
    return FORMATS[check(format_)].write(content)


def unplaced(document: Document, format_: str) -> Counter[str]:
    """Count what is known of a document and has no place in a format, by reason."""
    places = FORMATS[format_].places
    named = "title" if document.title is not None else "url"
    given = [key for key in SOURCE_KEYS if getattr(document, key) is not None]
    lost = [key for key in given if key not in places and not ("name" in places and key == named)]
    return Counter(f"{key} has no place in {format_}" for key in lost)


def _refuse_half_characters(content: Content) -> None:
    """No parser lets a lone surrogate through; whoever builds a graph by hand is told before a file is half written."""
    document, graph = content.document, content.graph
    places = {
        "text": [content.text],
        "document": [document.title or "", document.url or "", document.id or ""],
        "entities": [value for one in graph.entities for value in (one.labels, one.id, one.name, one.description)],
        "relationships": [value for one in graph.relationships for value in (one.type, one.evidence)],
    }
    for where, values in places.items():
        if any(HALF_CHARACTER.search(value) for value in values):
            raise UserError(f"{where}: holds half a character (a lone surrogate), which no file can. Remove it.")
