"""Entities of one document: is the label known, does the name stand in the text, and in which spelling.

Knows nothing about relationships or other documents.
"""

from __future__ import annotations

from collections.abc import Iterator

from kgtune.graph import Entity
from kgtune.grounding import Haystack, Span
from kgtune.lint import markup, names
from kgtune.lint.findings import Finding, Place
from kgtune.lint.spans import Nearest, respelling
from kgtune.ontology import Ontology


def findings(
    entity: Entity, span: Span | None, place: Place, haystack: Haystack, ontology: Ontology, nearest: Nearest
) -> Iterator[Finding]:
    """Yield what is wrong with one entity; `span` is the first mention of its name."""
    if ontology.label(entity.labels) is None:
        yield names.label(entity.labels, place.at(f"{place.path}.labels"), ontology)
    if "<" in entity.name or "&" in entity.name:
        yield from markup.in_name(entity.name, place.at(f"{place.path}.name"))
    if span is not None:
        if span.level != "exact":
            yield from _spelling(entity.name, span, place.at(f"{place.path}.name"), haystack)
    elif (anchored := _policy(entity.labels, ontology)) != "allow":
        code = "W-NAME" if anchored == "require" else "N-NAME"
        yield absent(code, entity.name, place.at(f"{place.path}.name"), haystack.text, nearest)


def absent(code: str, wanted: str, place: Place, text: str, nearest: Nearest) -> Finding:
    """Make the finding of a string that the text does not hold, with the stretch that is most like it."""
    near = nearest.span(wanted, text)
    if near is None:
        return Finding(code, place, wanted)
    return Finding(code, place, wanted, near.text, {"start": near.start, "end": near.end, "score": near.score})


def _policy(label: str, ontology: Ontology) -> str:
    """Say what the label asks of a name; of an unknown label, that it should stand in the text."""
    found = ontology.label(ontology.canonical_label(label) or label)
    return found.anchored if found else "warn"


def _spelling(name: str, span: Span, place: Place, haystack: Haystack) -> Iterator[Finding]:
    spelt = haystack.text[span.start : span.end]
    if spelt == name:
        return
    where = {"start": span.start, "end": span.end}
    if (fixed := respelling(name, haystack, span)) is not None:
        yield Finding("W-NAME-SPELLING", place, name, fixed, where)
    else:
        code = "N-NAME-REFANGED" if span.level == "refanged" else "N-NAME-FOLDED"
        yield Finding(code, place, name, spelt, where)
