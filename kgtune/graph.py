"""The graph: its record types, its one canonical text, and the ids the outside sees.

Knows nothing about files, prompts, tokenizers or ontologies.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Literal

from kgtune import grounding
from kgtune.errors import Problem

ENTITY_KEYS = ("labels", "id", "name", "description")
RELATIONSHIP_KEYS = ("type", "source", "target", "confidence", "evidence")
_entity_values, _relationship_values = attrgetter(*ENTITY_KEYS), attrgetter(*RELATIONSHIP_KEYS)
EMPTY_TEXT = '{"entities":[],"relationships":[]}'

# A lone surrogate: JSON can spell it ("\ud83d"), but no UTF-8 file or answer can hold it.
HALF_CHARACTER = re.compile("[\ud800-\udfff]")

IdStyle = Literal["slug", "numbered"]


@dataclass(frozen=True, slots=True)
class Entity:
    """A named thing of one label. `id` is unique in its graph."""

    labels: str
    id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Relationship:
    """A typed, directed edge between two entity ids. `confidence` is in [0, 1]."""

    type: str
    source: str
    target: str
    confidence: float
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Entities and the relationships between them."""

    entities: tuple[Entity, ...] = ()
    relationships: tuple[Relationship, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.entities and not self.relationships

    def names(self) -> dict[str, Entity]:
        """Entities by id."""
        return {entity.id: entity for entity in self.entities}


def to_object(graph: Graph) -> dict[str, list[dict[str, Any]]]:
    """Return the graph as plain lists and dicts, keys in the contract's order."""
    return {
        "entities": [dict(zip(ENTITY_KEYS, _entity_values(one), strict=True)) for one in graph.entities],
        "relationships": [
            dict(zip(RELATIONSHIP_KEYS, _relationship_values(one), strict=True)) for one in graph.relationships
        ],
    }


def dumps(graph: Graph) -> str:
    """Serialise with compact separators and Unicode kept; not reordered (see `canonical`)."""
    return json.dumps(to_object(graph), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(graph: Graph, text: str, *, drop_descriptions: bool = False) -> Graph:
    """Order, number and round a graph so that equal graphs over `text` are equal texts.

    Entities stand by first mention (longest first at the same place, unmentioned ones last), then
    labels, then name, numbered e1..eN; relationships by numeric source, numeric target, type. The
    graph must be closed (`reference_problems` finds nothing).
    """
    haystack = grounding.haystack(text)

    def key(entity: Entity) -> tuple[int, int, str, str, str, str]:
        span = haystack.first(entity.name)
        start, length = (span.start, span.end - span.start) if span else (len(text) + 1, 0)
        return start, -length, entity.labels, entity.name, entity.description, entity.id

    ordered = sorted(graph.entities, key=key)
    number = {entity.id: index for index, entity in enumerate(ordered, start=1)}
    entities = tuple(
        Entity(one.labels, f"e{number[one.id]}", one.name, "" if drop_descriptions else one.description)
        for one in ordered
    )
    ordered_edges = sorted(
        graph.relationships, key=lambda r: (number[r.source], number[r.target], r.type, -r.confidence, r.evidence)
    )
    relationships = tuple(
        Relationship(r.type, f"e{number[r.source]}", f"e{number[r.target]}", round_confidence(r.confidence), r.evidence)
        for r in ordered_edges
    )
    return Graph(entities, relationships)


def round_confidence(confidence: float) -> float:
    """Round to two decimals; 1 and 0 stay floats and -0.0 becomes 0.0, so that one value has one spelling."""
    return round(float(confidence), 2) + 0.0


def with_ids(graph: Graph, style: IdStyle) -> Graph:
    """Return the graph with the ids that files and the API show. It must be closed, see `closed`."""
    if style == "numbered":
        new_ids = {entity.id: f"e{index}" for index, entity in enumerate(graph.entities, start=1)}
    else:
        new_ids = _slug_ids(graph.entities)
    return Graph(
        tuple(replace(entity, id=new_ids[entity.id]) for entity in graph.entities),
        tuple(replace(r, source=new_ids[r.source], target=new_ids[r.target]) for r in graph.relationships),
    )


def _slug_ids(entities: Iterable[Entity]) -> dict[str, str]:
    taken: set[str] = set()
    return {entity.id: slug_id(entity, taken) for entity in entities}


def slug_id(entity: Entity, taken: set[str]) -> str:
    """Return the entity's id in the style "slug", and add it to those that are taken."""
    candidate = free_id(f"{slug(entity.labels)}--{slug(entity.name)}", taken)
    taken.add(candidate)
    return candidate


def free_id(base: str, taken: Collection[str]) -> str:
    """Return an id as it is, or with the first number behind it, from 2 on, that nobody has taken."""
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}-{number}", number + 1
    return candidate


def slug(value: str) -> str:
    """Write a label or name in kebab case: ``ThreatOrganization`` -> ``threat-organization``.

    Unicode letters and digits are kept; a value without any becomes ``unnamed``.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", unicodedata.normalize("NFC", value))
    return re.sub(r"[\W_]+", "-", spaced.casefold()).strip("-") or "unnamed"


def from_object(value: object, *, where: str = "answer") -> tuple[Graph | None, list[Problem]]:
    """Read a graph that must already have the contract's shape; list every departure from it.

    Returns ``(graph, [])`` when the object fits and ``(None, problems)`` when it does not. References
    are a separate question (`reference_problems`): a graph with a dangling edge still has the shape.
    """
    problems: list[Problem] = []
    if not isinstance(value, Mapping):
        return None, [_shape(where, f"is {_kind(value)}, not an object.", "Give entities and relationships.")]
    _check_keys(value, ("entities", "relationships"), where, problems)
    entities = [
        _entity(item, f"{where}.entities[{i}]", problems)
        for i, item in enumerate(_list(value, "entities", where, problems))
    ]
    relationships = [
        _relationship(item, f"{where}.relationships[{i}]", problems)
        for i, item in enumerate(_list(value, "relationships", where, problems))
    ]
    if problems:
        return None, problems
    return Graph(tuple(e for e in entities if e), tuple(r for r in relationships if r)), []


def reference_problems(graph: Graph, *, where: str = "graph") -> list[Problem]:
    """List duplicate entity ids and relationship ends that no entity has."""
    problems = []
    known: dict[str, int] = {}
    for i, entity in enumerate(graph.entities):
        if entity.id in known:
            what = f'id "{entity.id}" is also the id of entities[{known[entity.id]}].'
            fix = "Give each entity its own id."
            problems.append(Problem("E-DUPLICATE-ID", f"{where}.entities[{i}].id", what, fix))
        known.setdefault(entity.id, i)
    listing = ", ".join(known) or "none"
    for i, r in enumerate(graph.relationships):
        for end in ("source", "target"):
            if (value := getattr(r, end)) not in known:
                what = f'relationship "{r.type}" points to unknown entity "{value}". Known ids: {listing}.'
                fix = f"Fix the {end} or add the entity."
                problems.append(Problem("E-DANGLING", f"{where}.relationships[{i}].{end}", what, fix))
    return problems


def closed(graph: Graph) -> tuple[Graph, Counter[str]]:
    """Drop what `reference_problems` complains of, and count it by kind.

    Of entities that share an id the first stays; a relationship stays when both its ends do.
    """
    entities: dict[str, Entity] = {}
    for entity in graph.entities:
        entities.setdefault(entity.id, entity)
    relationships = tuple(r for r in graph.relationships if r.source in entities and r.target in entities)
    dropped = Counter(
        duplicate_id=len(graph.entities) - len(entities), dangling=len(graph.relationships) - len(relationships)
    )
    return Graph(tuple(entities.values()), relationships), +dropped


def _entity(item: object, where: str, problems: list[Problem]) -> Entity | None:
    if not isinstance(item, Mapping):
        problems.append(_shape(where, f"is {_kind(item)}, not an object.", f"Give {', '.join(ENTITY_KEYS)}."))
        return None
    _check_keys(item, ENTITY_KEYS, where, problems)
    values = {key: _string(item, key, where, problems, empty=key == "description") for key in ENTITY_KEYS}
    return Entity(**values)


def _relationship(item: object, where: str, problems: list[Problem]) -> Relationship | None:
    if not isinstance(item, Mapping):
        problems.append(_shape(where, f"is {_kind(item)}, not an object.", f"Give {', '.join(RELATIONSHIP_KEYS)}."))
        return None
    _check_keys(item, RELATIONSHIP_KEYS, where, problems)
    strings = {
        key: _string(item, key, where, problems, empty=key == "evidence")
        for key in RELATIONSHIP_KEYS
        if key != "confidence"
    }
    return Relationship(confidence=_confidence(item, where, problems), **strings)


def _confidence(item: Mapping[Any, Any], where: str, problems: list[Problem]) -> float:
    value = item.get("confidence", 0.0)
    # The comparison refuses NaN, too, and takes an integer of any length (math.isfinite overflows).
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    problems.append(_shape(f"{where}.confidence", f"is {_kind(value)}: {value!r:.40}.", "Give a number from 0 to 1."))
    return 0.0


def _check_keys(item: Mapping[Any, Any], keys: tuple[str, ...], where: str, problems: list[Problem]) -> None:
    for key in keys:
        if key not in item:
            fix = f"Give all of {', '.join(keys)}."
            problems.append(Problem("E-MISSING-KEY", f"{where}.{key}", "is missing.", fix))
    for key in item:
        if key not in keys:
            shown = str(key).encode("utf-8", "backslashreplace").decode("utf-8")
            problems.append(Problem("E-EXTRA-KEY", f"{where}.{shown}", "is not a key of the contract.", "Remove it."))


def _list(item: Mapping[Any, Any], key: str, where: str, problems: list[Problem]) -> list[Any]:
    value = item.get(key, [])
    if isinstance(value, list):
        return value
    fix = "Give a list, [] when there is nothing."
    problems.append(_shape(f"{where}.{key}", f"is {_kind(value)}, not a list.", fix))
    return []


def _string(item: Mapping[Any, Any], key: str, where: str, problems: list[Problem], *, empty: bool) -> str:
    value = item.get(key, "")
    if not isinstance(value, str):
        problems.append(_shape(f"{where}.{key}", f"is {_kind(value)}, not a string.", "Give a string."))
        return ""
    if HALF_CHARACTER.search(value):
        problems.append(_shape(f"{where}.{key}", "holds half a character (a lone surrogate).", "Remove it."))
    if key in item and not empty and not value.strip():
        problems.append(_shape(f"{where}.{key}", "is empty.", "Give a text."))
    return value


def _shape(where: str, what: str, fix: str) -> Problem:
    return Problem("E-SHAPE", where, what, fix)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)
