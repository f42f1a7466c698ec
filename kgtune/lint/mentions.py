"""Names that are annotated in other documents and stand here without an annotation: what was likely missed.

Knows nothing about files or ontologies' words. Linear: a text is read once, three characters at a time, whatever
the number of names; only names that are written the very same way count, and only where most writers annotate them.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from kgtune.grounding import iocs, match_key
from kgtune.lint.findings import Finding, read_place
from kgtune.lint.spans import has_edges
from kgtune.ontology import DERIVED, Ontology
from kgtune.sources import RawDocument

_PREFIX = 3  # characters that every name shares with its place in the text before it is compared whole
_INSIDE_IOC = frozenset("/\\.:@-_%=&?#[]{}()~+$")
_SHORTEST_LATIN, _SHORTEST_OTHER = 4, 3


class MissedMentions:
    """Learns the names in a first pass over the documents (`learn`), finds them in a second one (`scan`)."""

    def __init__(self, ontology: Ontology) -> None:
        self._ontology = ontology
        self._annotated: Counter[str] = Counter()  # name -> documents that annotate it
        self._missed: dict[str, array[int]] = {}  # name -> rows of (document, offset)
        self._wheres: list[str] = []

    def learn(self, document: RawDocument) -> None:
        """Note the names that a model should always find: those whose label asks that they stand in the text."""
        names = {e.name for e in document.graph.entities if _is_telling(e.name) and self._is_asked_for(e.labels)}
        self._annotated.update(names)

    def scan(self, document: RawDocument) -> None:
        """Look for known names that the document does not annotate."""
        lengths = self._lengths_by_prefix
        text = document.text
        hits: dict[str, int] = {}
        for at in [i for i in range(len(text) - _PREFIX + 1) if text[i : i + _PREFIX] in lengths]:
            for length in lengths[text[at : at + _PREFIX]]:
                name = text[at : at + length]
                if name in self._annotated and has_edges(text, at, at + len(name)):
                    hits.setdefault(name, at)
                    break
        if hits:
            self._keep(document, hits)

    def findings(self) -> Iterator[Finding]:
        """Yield the missed mentions, by document, of names that are annotated at least as often as they are not."""
        rows = [
            (rows[i], rows[i + 1], name)
            for name, rows in self._missed.items()
            if len(rows) // 2 <= self._annotated[name]
            for i in range(0, len(rows), 2)
        ]
        for document, at, name in sorted(rows):
            place = read_place(self._wheres[document]).at("text")
            facts = {"start": at, "end": at + len(name), "number": self._annotated[name]}
            yield Finding("W-MISSED", place, name, facts=facts)

    def _is_asked_for(self, label: str) -> bool:
        found = self._ontology.label(self._ontology.canonical_label(label) or "")
        return found is not None and (found.anchored == "require" or self._ontology.name == DERIVED)

    @cached_property
    def _lengths_by_prefix(self) -> dict[str, list[int]]:
        """The lengths of the names that start so, longest first: a longer name goes before one inside it."""
        by_prefix: dict[str, set[int]] = {}
        for name in self._annotated:
            by_prefix.setdefault(name[:_PREFIX], set()).add(len(name))
        return {prefix: sorted(lengths, reverse=True) for prefix, lengths in by_prefix.items()}

    def _keep(self, document: RawDocument, hits: dict[str, int]) -> None:
        own = {match_key(entity.name) for entity in document.graph.entities}
        missed = {name: at for name, at in hits.items() if match_key(name) not in own}
        if not missed:
            return
        number = len(self._wheres)
        self._wheres.append(document.where)
        text = _Annotated(document)
        for name, at in missed.items():
            rows = self._missed.setdefault(name, array("l"))
            # More missed than annotated: it is no name that writers annotate, and need not be remembered.
            if len(rows) // 2 <= self._annotated[name] and not text.has_inside(at, at + len(name)):
                rows.extend((number, at))


class _Annotated:
    """Knows the longer things in a text that a name may be a part of: annotated names, and indicators."""

    def __init__(self, document: RawDocument) -> None:
        self._document = document
        self._text = document.text

    @cached_property
    def _names(self) -> list[tuple[int, int]]:
        spans = []
        for name in {entity.name for entity in self._document.graph.entities if len(entity.name) > 1}:
            at = self._text.find(name)
            while at >= 0:
                spans.append((at, at + len(name)))
                at = self._text.find(name, at + 1)
        return spans

    @cached_property
    def _iocs(self) -> list[tuple[int, int]]:
        return [(ioc.start, ioc.end) for ioc in iocs(self._text)]

    def has_inside(self, start: int, end: int) -> bool:
        """Say whether text[start:end] is a part of a longer thing; of an indicator, only where a mark touches it."""
        touching = self._text[max(0, start - 1) : start] + self._text[end : end + 1]
        spans = [*self._names, *(self._iocs if any(mark in _INSIDE_IOC for mark in touching) else ())]
        return any(first <= start and end <= last and end - start < last - first for first, last in spans)


def _is_telling(name: str) -> bool:
    """Leave out names that are words as well: "agent" and "中国" stand in many texts and mean nothing there."""
    if name.isascii():
        return len(name) >= _SHORTEST_LATIN and name != name.lower()
    return len(name) >= _SHORTEST_OTHER
