"""Labels and types of one graph: which of them the ontology does not have, and which it spells in another way.

Knows nothing about texts or other documents. An unknown name is an error, for a model that is trained on it learns to
write what its prompt never names and its grammar forbids; no near miss is renamed, for only its writer knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from kgtune.graph import Graph
from kgtune.lint.findings import Finding, Place
from kgtune.ontology import Ontology
from kgtune.spelling import nearest_spelling

UNKNOWN = ("E-UNKNOWN-LABEL", "E-UNKNOWN-TYPE")


def unknown(graph: Graph, place: Place, ontology: Ontology) -> Iterator[Finding]:
    """Yield the labels and types that the ontology does not have in any spelling; what could not be read is none."""
    for index, entity in enumerate(graph.entities):
        if entity.labels and ontology.canonical_label(entity.labels) is None:
            yield label(entity.labels, place.at(f"entities[{index}].labels"), ontology)
    for index, edge in enumerate(graph.relationships):
        if ontology.canonical_type(edge.type) is None:
            yield relation_type(edge.type, place.at(f"relationships[{index}].type"), ontology)


def label(name: str, place: Place, ontology: Ontology) -> Finding:
    """Tell an unknown label from another spelling of a known one."""
    canonical = ontology.canonical_label(name)
    if canonical is not None:
        return Finding("W-LABEL-SPELLING", place, name, canonical)
    known = {"ontology": ontology.name, "known": ", ".join(ontology.label_names)}
    return Finding("E-UNKNOWN-LABEL", place, name, nearest_spelling(name, ontology.label_spellings) or "", known)


def relation_type(name: str, place: Place, ontology: Ontology) -> Finding:
    """Tell an unknown type from another spelling of a known one."""
    canonical = ontology.canonical_type(name)
    if canonical is not None:
        return Finding("W-TYPE-SPELLING", place, name, canonical)
    known = {"ontology": ontology.name, "known": ", ".join(ontology.type_names)}
    return Finding("E-UNKNOWN-TYPE", place, name, nearest_spelling(name, ontology.type_spellings) or "", known)
