"""GraphML, for Gephi, yEd, Cytoscape and networkx.

Knows nothing about their layouts. XML 1.0 has no way to write most control characters; they become U+FFFD, counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from xml.sax.saxutils import escape

from kgtune.export.records import Content, Exported

_KEYS = (
    ("node", "label", "string"),
    ("node", "name", "string"),
    ("node", "description", "string"),
    ("edge", "type", "string"),
    ("edge", "confidence", "double"),
    ("edge", "evidence", "string"),
)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# A parser would turn a bare one into a line feed, or within an attribute into a space.
_IN_TEXT = {"\r": "&#13;", "\x85": "&#133;", "\u2028": "&#8232;"}
_IN_ATTRIBUTE = _IN_TEXT | {"\n": "&#10;", "\t": "&#9;", '"': "&quot;"}


def write(content: Content) -> Exported:
    """Write a directed graph; nodes have the entities' ids, edges are numbered."""
    findings = Counter[str]()
    text = "\n".join(_lines(content, findings)) + "\n"
    return Exported(text.encode("utf-8"), findings)


def _lines(content: Content, findings: Counter[str]) -> Iterator[str]:
    def attribute(value: str) -> str:
        return '"' + escape(_in_xml(value, findings), _IN_ATTRIBUTE) + '"'

    def data(key: str, value: str) -> str:
        return f'<data key="{key}">{escape(_in_xml(value, findings), _IN_TEXT)}</data>'

    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    for owner, key, type_ in _KEYS:
        yield f'<key id="{key}" for="{owner}" attr.name="{key}" attr.type="{type_}"/>'
    yield '<graph edgedefault="directed">'
    for one in content.graph.entities:
        values = data("label", one.labels) + data("name", one.name) + data("description", one.description)
        yield f"<node id={attribute(one.id)}>{values}</node>"
    for number, edge in enumerate(content.graph.relationships):
        ends = f"source={attribute(edge.source)} target={attribute(edge.target)}"
        values = (
            data("type", edge.type) + data("confidence", repr(float(edge.confidence))) + data("evidence", edge.evidence)
        )
        yield f'<edge id="r{number}" {ends}>{values}</edge>'
    yield "</graph>"
    yield "</graphml>"


def _in_xml(value: str, findings: Counter[str]) -> str:
    harmless, number = _NOT_IN_XML.subn("\ufffd", value)
    if number:
        findings["control character replaced by U+FFFD"] += number
    return harmless
