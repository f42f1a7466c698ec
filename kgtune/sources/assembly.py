"""The entities and relationships of one item -> its graph: what is given twice is one, and every end is an entity.

Knows nothing about files or shapes. Everything that is wrong with an item is told at once; what could be read beside
it goes on to whoever asks for it, as a `Partial`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import match_key
from kgtune.sources.fields import RELATIONSHIP_KEYS, below, confidence, distinct, entity, id_of, note_extra, string
from kgtune.sources.findings import Findings


@dataclass(frozen=True, slots=True)
class Readable:
    """What of an item's graph could be read; `is_whole` says whether that is all. The places are those of the items."""

    graph: Graph
    is_whole: bool
    entity_places: tuple[str, ...]
    edge_places: tuple[str, ...]


def graph(
    entities: Sequence[tuple[str, object]],
    relationships: Sequence[tuple[str, object]],
    default_confidence: float,
    findings: Findings,
) -> Readable:
    """Build a graph from (where, raw item) pairs, or as much of it as can be read."""
    before = len(findings.problems)
    read, unread = [], set()
    for where, item in entities:
        if (one := entity(item, where, findings)) is None:
            unread.add(id_of(item))
        else:
            read.append((where, one))
    read = _merged(read, findings)
    ends = Ends(read, unread - {""})
    edges = []
    for where, item in relationships:
        if edge := relationship(item, where, ends, default_confidence, findings):
            edges.append((where, edge))
    is_whole = len(findings.problems) == before
    if not is_whole:  # an end that can't be read is a problem of its own, and its relationship says nothing more
        known = {one.id for _, one in read}
        edges = [(where, edge) for where, edge in edges if {edge.source, edge.target} <= known]
    found = [edge for _, edge in edges]
    return Readable(
        Graph(tuple(one for _, one in read), distinct(found, findings) if is_whole else tuple(found)),
        is_whole,
        tuple(where for where, _ in read),
        tuple(where for where, _ in edges),
    )


def _merged(read: list[tuple[str, Entity]], findings: Findings) -> list[tuple[str, Entity]]:
    """Merge what was given twice with one id; the same id for two different things is a problem."""
    kept: dict[str, tuple[str, Entity]] = {}
    for where, one in read:
        if one.id not in kept:
            kept[one.id] = (where, one)
            continue
        first_where, first = kept[one.id]
        if (first.labels, match_key(first.name)) == (one.labels, match_key(one.name)):
            findings.note("entity given twice, merged")
            continue
        what = (
            f'id "{one.id}" is "{one.name}" ({one.labels}) here and "{first.name}" ({first.labels}) at {first_where}.'
        )
        findings.problem("E-DUPLICATE-ID", where, what, "Give each entity its own id.")
    return list(kept.values())


class Ends:
    """The entity ids a relationship may point to, with a name as a second way to say it."""

    def __init__(self, entities: Sequence[tuple[str, Entity]], unread: Collection[str] = ()) -> None:
        self._entities = entities
        self.known = {*unread, *(one.id for _, one in entities)}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        by_name: dict[str, list[str]] = {}
        for _, one in self._entities:
            by_name.setdefault(match_key(one.name), []).append(one.id)
        return by_name

    def resolve(self, value: str, findings: Findings) -> str | None:
        """Return the id that `value` means: an id, an id but for white space, or a name that is unique."""
        if (trimmed := value.strip()) in self.known:
            return trimmed
        same_name = self._by_name.get(match_key(value), [])
        if len(same_name) == 1:
            findings.note("relationship end given as a name, resolved")
            return same_name[0]
        return None

    def hint(self, value: str) -> str:
        """Say which ids there are, the nearest one first."""
        from rapidfuzz import process

        ids = [one.id for _, one in self._entities]
        best = process.extractOne(value, ids, score_cutoff=60)
        nearest = f' Did you mean "{best[0]}"?' if best else ""
        shown = ", ".join(ids[:12]) + (f" and {len(ids) - 12} more" if len(ids) > 12 else "")
        return f"Known ids: {shown or 'none'}.{nearest}"


def relationship(
    item: object, where: str, ends: Ends, default_confidence: float, findings: Findings
) -> Relationship | None:
    """Read one relationship, as far as it can be; both ends must be known. All its faults are told at once."""
    if not isinstance(item, dict):
        what = f"is {type(item).__name__}, not an object: nothing of it could be read."
        findings.problem("E-TYPE", where, what, "Give type, source and target.")
        return None
    note_extra(item, RELATIONSHIP_KEYS, "relationship", findings)
    kind = string(item, "type", where, findings, required=True)
    evidence = string(item, "evidence", where, findings, required=False)
    value = confidence(item.get("confidence"), default_confidence, where, findings)
    resolved = [_end(item, end, kind, where, ends, findings) for end in ("source", "target")]
    if kind is None or resolved[0] is None or resolved[1] is None:
        return None
    graded = default_confidence if value is None else value
    return Relationship(kind.strip(), resolved[0], resolved[1], graded, (evidence or "").strip())


def _end(item: Mapping[str, Any], end: str, kind: str | None, where: str, ends: Ends, findings: Findings) -> str | None:
    given = item.get(end)
    if type(given) is str and given in ends.known:
        return given
    text = str(given) if type(given) is int else string(item, end, where, findings, required=True)
    if text is None:
        return None
    known = ends.resolve(text, findings)
    if known is None:
        what = f'relationship "{kind}" points to unknown entity "{text}". {ends.hint(text)}'
        findings.problem("E-DANGLING", below(where, end), what, f"Fix the {end} or add the entity.")
    return known
