"""From mentions in a text and the links between them to a graph: one entity for all mentions of one thing.

Knows nothing about tools, offsets' units or files: a reader has placed every mention in the text that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import match_key
from kgtune.sources import fields
from kgtune.sources.findings import Findings
from kgtune.sources.passage import Passage, Place


@dataclass(frozen=True, slots=True)
class Mention:
    """A thing that the text names. `key` is what links call it; `parts` are its places.

    A `name` stands for the text of the places; without places, the thing is not named in the text.
    """

    key: str
    label: str
    where: str
    parts: tuple[Place, ...] = ()
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A directed link between two mentions' keys. `evidence` None: the sentences that hold both ends."""

    type: str
    source: str
    target: str
    where: str
    confidence: float | None = None
    evidence: str | None = None


@dataclass(slots=True)
class Annotation:
    """All that is marked in one text. `same`: keys of mentions that are said to be one thing."""

    mentions: list[Mention] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    same: list[Sequence[str]] = field(default_factory=list)


def graph(passage: Passage, annotation: Annotation, default_confidence: float, findings: Findings) -> Graph | None:
    """Merge mentions into entities and links into relationships; None when one of them is a problem."""
    before = len(findings.problems)
    by_key = _by_key(annotation.mentions, findings)
    names = {key: _name(passage, mention, findings) for key, mention in by_key.items()}
    entities, id_of = _entities(passage, by_key, names, annotation.same, findings)
    edges = []
    for link in annotation.links:
        if not _has_ends(link, by_key, findings):
            continue
        source, target = id_of[link.source], id_of[link.target]
        if source == target and link.source != link.target:
            findings.note("relationship between two mentions of one entity left out")
            continue
        confidence = link.confidence
        if confidence is None:
            findings.note("confidence missing, default taken")
            confidence = default_confidence
        evidence = link.evidence
        if evidence is None:
            evidence = passage.sentences_around(_extent(by_key[link.source]), _extent(by_key[link.target]))
        edges.append(Relationship(link.type, source, target, confidence, evidence))
    return Graph(entities, fields.distinct(edges, findings)) if len(findings.problems) == before else None


def _by_key(mentions: Sequence[Mention], findings: Findings) -> dict[str, Mention]:
    by_key: dict[str, Mention] = {}
    for mention in mentions:
        if mention.key in by_key:
            what = f'the id "{mention.key}" stands twice, first at {by_key[mention.key].where}.'
            findings.problem("E-DUPLICATE-ID", mention.where, what, "Give each mention its own id.")
        by_key.setdefault(mention.key, mention)
    return by_key


def _name(passage: Passage, mention: Mention, findings: Findings) -> str:
    """Return the text of the mention's places: as it stands when only white space is between them, else joined."""
    if mention.name:
        return mention.name
    text, parts = passage.text, mention.parts
    if any(text[one[1] : other[0]].strip() for one, other in pairwise(parts)):
        findings.note("name of several parts, joined")
        return " ".join(text[start:end].strip() for start, end in parts)
    name = text[parts[0][0] : parts[-1][1]].strip()
    if not name:
        findings.problem("E-SPAN", mention.where, "covers only white space.", "Mark it again, or remove it.")
    return name


def _entities(
    passage: Passage,
    by_key: dict[str, Mention],
    names: dict[str, str],
    same: Sequence[Sequence[str]],
    findings: Findings,
) -> tuple[tuple[Entity, ...], dict[str, str]]:
    """Return the entities in the order of the text, and the entity's id for the key of each mention."""
    end = len(passage.text)
    in_order = sorted(by_key.values(), key=lambda mention: mention.parts[0] if mention.parts else (end, end))
    first_of = _first_mentions([mention.key for mention in in_order], by_key, names, same)
    entities: dict[str, Entity] = {}
    for mention in in_order:
        first = first_of[mention.key]
        known = entities.get(first)
        if known is None:
            entities[first] = Entity(mention.label, first, names[first], mention.description)
            continue
        findings.note("further mention of an entity")
        if mention.description and not known.description:
            entities[first] = Entity(known.labels, known.id, known.name, mention.description)
    return tuple(entities.values()), first_of


def _first_mentions(
    keys: Sequence[str], by_key: dict[str, Mention], names: dict[str, str], same: Sequence[Sequence[str]]
) -> dict[str, str]:
    """Group keys of one label and name, and keys said to be the same; give each the first key of its group."""
    groups: dict[object, list[str]] = {}
    for key in keys:
        groups.setdefault((by_key[key].label, match_key(names[key])), []).append(key)
    first_of = {key: group[0] for group in groups.values() for key in group}
    rank = {key: number for number, key in enumerate(keys)}
    for said in same:
        merged = {first_of[key] for key in said if key in first_of}
        if len(merged) > 1:
            first = min(merged, key=rank.__getitem__)
            first_of.update({key: first for key, old in first_of.items() if old in merged})
    return first_of


def _has_ends(link: Link, by_key: dict[str, Mention], findings: Findings) -> bool:
    missing = [(end, key) for end, key in (("source", link.source), ("target", link.target)) if key not in by_key]
    for end, key in missing:
        shown = ", ".join(list(by_key)[:12]) + (f" and {len(by_key) - 12} more" if len(by_key) > 12 else "")
        what = f'relationship "{link.type}" has the {end} "{key}", which is not marked. Marked: {shown or "nothing"}.'
        findings.problem("E-DANGLING", link.where, what, f"Mark the {end}, or remove the relationship.")
    return not missing


def _extent(mention: Mention) -> Place:
    return mention.parts[0][0], mention.parts[-1][1]
