"""The rest of an item that has an error: whatever could be read of it is checked as a sound document is.

Knows nothing about what stopped the reading. What follows from the error alone is not told a second time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from kgtune.lint.document import check_document
from kgtune.lint.findings import OF_LABELS, Finding, Place, read_place
from kgtune.lint.places import Locator
from kgtune.lint.spans import Nearest
from kgtune.ontology import Ontology
from kgtune.sources import Partial

_MEMBER = re.compile(r"(entities|relationships)\[(\d+)\](.*)")
# What only a whole graph can be blamed for.
_OF_THE_WHOLE = frozenset({"N-ISOLATED", "W-UNANCHORED"})
# What says nothing where the value itself can't be read.
_OF_A_VALUE = frozenset({"E-UNKNOWN-LABEL", "W-NAME", "N-NAME"})


def findings(
    partials: Iterable[Partial], ontology: Ontology, told: Collection[tuple[str, int, str]]
) -> Iterator[Finding]:
    """Yield the findings of items that have an error; `told` are the places of the errors: file, record and path."""
    locator, nearest = Locator(), Nearest()
    for partial in partials:
        for finding in check_document(partial.document, ontology, nearest=nearest):
            if _is_told(finding, partial):
                place = _place(finding.place, partial)
                if (place.file, place.record, place.path) not in told:
                    yield located(finding, partial, locator)


def located(finding: Finding, partial: Partial, locator: Locator) -> Finding:
    """Give the finding its member's place in the item, and the line that it has there."""
    return replace(finding, place=_at_its_line(_place(finding.place, partial), partial, locator))


def _is_told(finding: Finding, partial: Partial) -> bool:
    if not partial.document.text and finding.code not in OF_LABELS:
        return False
    return finding.code not in _OF_THE_WHOLE and (finding.value != "" or finding.code not in _OF_A_VALUE)


def _place(place: Place, partial: Partial) -> Place:
    """Return the member's place in the item: the document lacks those that can't be read."""
    match = _MEMBER.fullmatch(place.path)
    places = () if match is None else partial.entity_places if match[1] == "entities" else partial.edge_places
    if match is None or not places:
        return place
    member = read_place(places[int(match[2])])
    return member.at(f"{member.path}{match[3]}" if member.path else place.path)


def _at_its_line(place: Place, partial: Partial, locator: Locator) -> Place:
    is_as_read = bool(partial.entity_places or partial.edge_places)
    return locator.as_read(place) if is_as_read else locator.located(place, partial.document.graph)
