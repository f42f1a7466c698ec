"""How a relationship of ours is said in STIX 2.1: as a relationship object, as a property, or not at all.

Knows nothing about bundles. The ontology lists the ways, stix21.yaml which of them the standard has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from kgtune import ontology as ontologies
from kgtune.export import stix_objects
from kgtune.export.stix_objects import Properties
from kgtune.graph import Entity, Graph, slug
from kgtune.ontology import Label, Ontology, StixVerb

# STIX 2.1: the object types that have the property.
OWNERS = {
    "object_refs": stix_objects.COLLECTING,
    "kill_chain_phases": frozenset({"attack-pattern", "malware", "tool", "infrastructure", "indicator"}),
}
# The tactics of ATT&CK, whose kill chain has a name that others know.
TACTICS = {
    "reconnaissance": "侦察", "resource-development": "资源开发", "initial-access": "初始访问", "execution": "执行",
    "persistence": "持久化", "privilege-escalation": "权限提升", "defense-evasion": "防御规避",
    "credential-access": "凭据访问", "discovery": "发现", "lateral-movement": "横向移动", "collection": "收集",
    "command-and-control": "命令与控制", "exfiltration": "数据渗出", "impact": "影响",
}  # fmt: skip
_TACTIC_OF = {zh: en for en, zh in TACTICS.items()} | {en: en for en in TACTICS}


@dataclass(frozen=True, slots=True)
class Object:
    """An object that an entity becomes."""

    type: str
    id: str
    properties: Properties


@dataclass(frozen=True, slots=True)
class End:
    """An entity with its objects, the one that relationships lead to first; or with the property that holds it."""

    entity: Entity
    objects: tuple[Object, ...]
    property: str


@dataclass(frozen=True, slots=True)
class Said:
    """A way to say a relationship: `verb` leads from `owner` to `other`, or `property` of `owner` holds it."""

    owner: Object
    other: Object | None
    verb: str = ""
    property: str = ""


@cache
def _standard() -> Ontology:
    return ontologies.load("stix21")


def ontology_of(graph: Graph, given: Ontology | None) -> Ontology:
    """Return the ontology of a graph that comes without one: a shipped one that knows all its names."""
    if given is not None:
        return given
    labels = dict.fromkeys((entity.labels for entity in graph.entities), 1)
    types = dict.fromkeys((edge.type for edge in graph.relationships), 1)
    return ontologies.choose("auto", labels, types)


def end_of(entity: Entity, ontology: Ontology) -> End:
    """Make the objects of an entity."""
    label = _label(entity.labels, ontology)
    if label is None:
        return End(entity, (), "")
    objects = []
    for type_ in stix_objects.types_of(entity.name, label.stix) if label.stix else ():
        made = stix_objects.properties(type_, entity.name)
        if made is not None:
            objects.append(Object(type_, stix_objects.identity(type_, entity.name, made), made))
    return End(entity, tuple(objects), label.stix_property)


def said(kind: str, source: End, target: End, ontology: Ontology) -> Said | None:
    """Return the first of the type's ways that the standard has between these two; None when there is none."""
    for verb in _verbs(kind, ontology):
        owner, other = (target, source) if verb.reversed else (source, target)
        for way in _ways(verb, owner, other):
            return way
    return None


def _ways(verb: StixVerb, owner: End, other: End) -> Iterator[Said]:
    for one in owner.objects:
        if verb.property and one.type in OWNERS.get(verb.property, ()):
            if verb.property == "object_refs" and other.objects:
                yield Said(one, other.objects[0], property=verb.property)
            elif verb.property == other.property:
                yield Said(one, None, property=verb.property)
        for two in other.objects:
            if verb.type and one.id != two.id and _standard().is_legal(one.type, verb.type, two.type):
                yield Said(one, two, verb=verb.type)


def phase(tactic: str, ontology: Ontology) -> dict[str, str]:
    """Return the phase of a kill chain that a tactic is."""
    known = _TACTIC_OF.get(slug(tactic))
    chain = "mitre-attack" if known else f"kgtune-{slug(ontology.name)}"
    return {"kill_chain_name": chain, "phase_name": known or slug(tactic)}


def _label(name: str, ontology: Ontology) -> Label | None:
    """Return the label with a counterpart: the ontology's own, else the shipped one that it is another spelling of."""
    own = ontology.label(name)
    if own is not None and (own.stix or own.stix_property):
        return own
    shipped = ((found, found.canonical_label(name)) for found in map(ontologies.load, ontologies.SHIPPED))
    return next((found.label(canonical) for found, canonical in shipped if canonical), None)


def _verbs(name: str, ontology: Ontology) -> tuple[StixVerb, ...]:
    own = next((kind.stix for kind in ontology.types if kind.name == name), ())
    if own:
        return own
    shipped = ((found, found.canonical_type(name)) for found in map(ontologies.load, ontologies.SHIPPED))
    return next((kind.stix for found, canonical in shipped for kind in found.types if kind.name == canonical), ())
