r"""Cypher statements for Neo4j and its kin: run twice they change nothing, and no name can end its string.

Knows nothing about databases. Each statement is one line, so that a reader can split the file at its line ends.
"""

from __future__ import annotations

import json
import re
from collections import Counter

from kgtune import graph as graphs
from kgtune.export.records import Content, Exported
from kgtune.graph import Entity, Relationship

_ESCAPED = {"\\": "\\\\", "'": "\\'", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r"[\\'\x00-\x1f\x7f\x85\u2028\u2029]")
# A server that reads \u0027 before it looks for the string's end would end it there, whatever stands before the
# backslash. So no u ever follows a backslash: the string is cut in two between them.
_BEFORE_U = re.compile(r"(?<=\\)(?=[uU])")


def write(content: Content) -> Exported:
    """Write a MERGE for each entity and each relationship. A node is known by its label and id.

    The ids are slugs, whatever the graph has: e1 of one document would be merged with e1 of the next.
    """
    findings, graph = Counter[str](), graphs.with_ids(content.graph, "slug")
    labels = {entity.id: name(entity.labels, findings) for entity in graph.entities}
    lines = [_node(entity, labels[entity.id], findings) for entity in graph.entities]
    lines += [_edge(edge, labels, findings) for edge in graph.relationships]
    return Exported("".join(f"{line};\n" for line in lines).encode("utf-8"), findings)


def _node(entity: Entity, label: str, findings: Counter[str]) -> str:
    set_ = f"n.name = {string(entity.name, findings)}, n.description = {string(entity.description, findings)}"
    return f"MERGE (n:{label} {{id: {string(entity.id, findings)}}}) SET {set_}"


def _edge(edge: Relationship, labels: dict[str, str], findings: Counter[str]) -> str:
    source = f"(a:{labels[edge.source]} {{id: {string(edge.source, findings)}}})"
    target = f"(b:{labels[edge.target]} {{id: {string(edge.target, findings)}}})"
    kind, evidence = name(edge.type, findings), string(edge.evidence, findings)
    confidence = json.dumps(float(edge.confidence))
    match = f"MATCH {source}, {target}"
    return f"{match} MERGE (a)-[r:{kind} {{evidence: {evidence}}}]->(b) SET r.confidence = {confidence}"


def string(value: str, findings: Counter[str]) -> str:
    """Write a string literal; a control character that has no escape becomes U+FFFD."""

    def escaped(match: re.Match[str]) -> str:
        if (character := match[0]) in _ESCAPED:
            return _ESCAPED[character]
        findings["control character replaced by U+FFFD"] += 1
        return "\ufffd"

    parts = _BEFORE_U.split(value)
    return " + ".join("'" + _SPECIAL.sub(escaped, part) + "'" for part in parts)


def name(value: str, findings: Counter[str]) -> str:
    """Write a label or type between backticks. It can't be cut in two, so a backslash becomes a full-width one."""
    if _SPECIAL.search(value.replace("'", "")):
        findings["character of a label or type replaced"] += 1
    harmless = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "\ufffd", value.replace("\\", "＼"))
    return "`" + harmless.replace("`", "``") + "`"
