"""Entities of one document: is the label known, does the name stand in the text, and in which spelling.

Knows nothing about relationships or other documents.
"""

from __future__ import annotations

from collections.abc import Iterator

from kgtune.graph import Entity
from kgtune.grounding import Haystack, Span
from kgtune.lint import markup
from kgtune.lint.findings import Finding, Place
from kgtune.lint.spans import Nearest, respelling
from kgtune.ontology import Ontology
from kgtune.spelling import nearest as nearest_name


def findings(
    entity: Entity, span: Span | None, place: Place, haystack: Haystack, ontology: Ontology, nearest: Nearest
) -> Iterator[Finding]:
    """Yield what is wrong with one entity; `span` is the first mention of its name."""
    yield from label_findings(entity.labels, place, ontology)
    yield from markup.in_name(entity.name, place.at(f"{place.path}.name"))
    anchored = _policy(entity.labels, ontology)
    if span is not None:
        yield from _spelling(entity.name, span, place.at(f"{place.path}.name"), haystack)
    elif anchored != "allow":
        code = "W-NAME" if anchored == "require" else "N-NAME"
        yield absent(code, entity.name, place.at(f"{place.path}.name"), haystack.text, nearest)


def label_findings(name: str, place: Place, ontology: Ontology) -> Iterator[Finding]:
    """Yield an unknown label, or another spelling of a known one."""
    canonical = ontology.canonical_label(name)
    if canonical is None:
        known = {"ontology": ontology.name, "known": ", ".join(ontology.label_names)}
        candidate = nearest_name(name, ontology.label_names) or ""
        yield Finding("W-LABEL", place.at(f"{place.path}.labels"), name, candidate, known)
    elif canonical != name:
        yield Finding("W-LABEL-SPELLING", place.at(f"{place.path}.labels"), name, canonical)


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
    if span.level == "exact" or spelt == name:
        return
    where = {"start": span.start, "end": span.end}
    if (fixed := respelling(name, haystack, span)) is not None:
        yield Finding("W-NAME-SPELLING", place, name, fixed, where)
    else:
        code = "N-NAME-REFANGED" if span.level == "refanged" else "N-NAME-FOLDED"
        yield Finding(code, place, name, spelt, where)
