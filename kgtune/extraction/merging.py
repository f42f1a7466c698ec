"""The graphs of a text's windows made one graph: what is the same thing, where each was said, what contradicts.

Knows nothing about models, tokenizers or files. Two entities of one label are the same where their names are the same
indicator, fold to the same key, or belong to one group of an alias table; never because their names are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kgtune import graph as graphs
from kgtune import grounding
from kgtune.graph import Entity, Graph, Relationship
from kgtune.grounding import Haystack, Level, Span, iocs, match_key, refang
from kgtune.ontology.aliases import Aliases

Key = tuple[str, str, str]
"""An entity's label, what its name is (an indicator, a group of names, a name), and the name as that has it."""
ITSELF = "joins_one_entity_to_itself"
"""Why a relationship is left out whose two ends turned out to be one entity."""
# Indicators whose case says nothing. In a URL, or a file's path on most systems, it may.
_CASELESS = frozenset(
    "email ipv4 ipv6 domain file registry md5 sha1 sha256 sha512 cve weakness attack_id guid eth asn".split()
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where an entity is named: code points of the whole text, and the first window that holds it."""

    start: int
    end: int
    level: Level
    window: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a window's answer gave as evidence; `span` is None where it does not stand in that window."""

    text: str
    confidence: float
    window: int
    span: Span | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two windows that don't agree; `kind` is "label" or "direction"."""

    kind: str
    names: tuple[str, ...]
    says: tuple[str, ...]


@dataclass(frozen=True)
class Merged:
    """One graph of all windows, canonical over the whole text, and how it came about.

    `lost` counts what is not in it: windows whose answer was no graph or was cut, relationships that lead nowhere or
    join an entity to itself.
    """

    graph: Graph
    windows: tuple[Span, ...]
    mentions: Mapping[Entity, tuple[Mention, ...]]
    names: Mapping[Entity, tuple[str, ...]]
    evidence: Mapping[Relationship, tuple[Evidence, ...]]
    conflicts: tuple[Conflict, ...] = ()
    lost: Counter[str] = field(default_factory=Counter)

    def to_object(self) -> dict[str, Any]:
        """Return what the graph itself does not say, for whoever asks where it comes from."""
        return {
            "windows": [{"start": span.start, "end": span.end} for span in self.windows],
            "conflicts": [{"kind": c.kind, "names": list(c.names), "says": list(c.says)} for c in self.conflicts],
            "lost": dict(self.lost),
        }


@dataclass(slots=True)
class _Found:
    """An entity as the windows gave it: its spellings, counted, and its descriptions."""

    names: Counter[str] = field(default_factory=Counter)
    description: str = ""


def merge(text: str, windows: Sequence[Span], answers: Sequence[Graph | None], aliases: Aliases) -> Merged:
    """Merge the windows' graphs. None is a window without a graph."""
    lost: Counter[str] = Counter()
    found: dict[Key, _Found] = {}
    edges: dict[tuple[str, Key, Key], list[Evidence]] = {}
    for number, (window, answer) in enumerate(zip(windows, answers, strict=True)):
        if answer is None:
            lost["windows_without_graph"] += 1
            continue
        closed, faults = graphs.closed(answer)
        lost.update(faults)
        keys = {entity.id: key(entity, aliases) for entity in closed.entities}
        for entity in closed.entities:
            one = found.setdefault(keys[entity.id], _Found())
            one.names[entity.name] += 1
            one.description = max(one.description, entity.description, key=len)
        haystack = Haystack(text[window.start : window.end])
        for edge in closed.relationships:
            source, target = keys[edge.source], keys[edge.target]
            if source == target and edge.source != edge.target:
                lost[ITSELF] += 1
                continue
            said = Evidence(edge.evidence, edge.confidence, number, _placed(haystack, edge.evidence, window.start))
            edges.setdefault((edge.type, source, target), []).append(said)
    return _Whole(text, windows, found, edges).merged(lost)


def key(entity: Entity, aliases: Aliases) -> Key:
    """Return what two entities have in common that are one: the label, and the folded name, indicator or group."""
    group = aliases.group(entity.name)
    if group is not None:
        return entity.labels, "group", match_key(group)
    name = entity.name.strip()
    whole = next((ioc for ioc in iocs(name) if (ioc.start, ioc.end) == (0, len(name))), None)
    if whole is None:
        return entity.labels, "name", match_key(name) or name
    spelled = refang(name)
    return entity.labels, whole.kind, spelled.casefold() if whole.kind in _CASELESS else spelled


def _placed(haystack: Haystack, evidence: str, offset: int) -> Span | None:
    span = haystack.first(evidence) if evidence.strip() else None
    return None if span is None else Span(span.start + offset, span.end + offset, span.level)


@dataclass
class _Whole:
    """All windows' items by key, on their way to one graph."""

    text: str
    windows: Sequence[Span]
    found: Mapping[Key, _Found]
    edges: Mapping[tuple[str, Key, Key], list[Evidence]]

    def __post_init__(self) -> None:
        self.haystack = grounding.haystack(self.text)
        # The spelling that the windows chose most often names the entity; of equals, the first one in the text.
        self.shown = {key: max(one.names, key=lambda name: (one.names[name], -self._at(name)))
                      for key, one in self.found.items()}  # fmt: skip

    def merged(self, lost: Counter[str]) -> Merged:
        numbers = {key: f"e{number}" for number, key in enumerate(self.found, start=1)}
        entities = [Entity(key[0], numbers[key], self.shown[key], one.description) for key, one in self.found.items()]
        best = {triple: _best(said) for triple, said in self.edges.items()}
        relationships = [
            Relationship(kind, numbers[source], numbers[target], best[kind, source, target].confidence,
                         best[kind, source, target].text)
            for kind, source, target in self.edges
        ]  # fmt: skip
        graph = graphs.canonical(Graph(tuple(entities), tuple(relationships)), self.text)
        # a label and the name that is shown are one key's alone, so that they find their way back from the new order
        keys = {(key[0], self.shown[key]): key for key in self.found}
        by_id = {entity.id: keys[entity.labels, entity.name] for entity in graph.entities}
        return Merged(
            graph,
            tuple(self.windows),
            {entity: tuple(self._mentions(by_id[entity.id])) for entity in graph.entities},
            {entity: tuple(sorted(self.found[by_id[entity.id]].names)) for entity in graph.entities},
            {edge: _by_place(self.edges[edge.type, by_id[edge.source], by_id[edge.target]])
             for edge in graph.relationships},
            tuple(self._conflicts()),
            lost,
        )  # fmt: skip

    def _at(self, name: str) -> int:
        span = self.haystack.first(name)
        return span.start if span else len(self.text)

    def _mentions(self, key: Key) -> list[Mention]:
        """Every place of every spelling, in order; of one place the closest spelling."""
        places: dict[tuple[int, int], Span] = {}
        for name in self.found[key].names:
            for span in self.haystack.mentions(name):
                kept = places.setdefault((span.start, span.end), span)
                if span.level == "exact" != kept.level:
                    places[span.start, span.end] = span
        spans = sorted(places.values(), key=lambda span: (span.start, span.end))
        return [Mention(span.start, span.end, span.level, self._window_of(span)) for span in spans]

    def _window_of(self, span: Span) -> int | None:
        holding = (n for n, w in enumerate(self.windows) if w.start <= span.start and span.end <= w.end)
        return next(holding, None)

    def _conflicts(self) -> Iterator[Conflict]:
        """A name with two labels, which stays two entities; a relationship that also leads the other way."""
        labels: dict[tuple[str, str], list[Key]] = {}
        for key in self.found:
            labels.setdefault(key[1:], []).append(key)
        for keys in labels.values():
            if len(keys) > 1:
                yield Conflict("label", (self.shown[keys[0]],), tuple(key[0] for key in keys))
        for kind, source, target in self.edges:
            if source < target and (kind, target, source) in self.edges:
                yield Conflict("direction", (self.shown[source], self.shown[target]), (kind,))


def _best(said: Sequence[Evidence]) -> Evidence:
    """The evidence that is shown: that of the highest confidence, one that stands in the text first."""
    return max(said, key=lambda one: (one.span is not None, one.confidence, -one.window))


def _by_place(said: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """What overlapping windows both say is one piece of evidence."""
    places: dict[Any, Evidence] = {}
    for one in said:
        place = (one.span.start, one.span.end) if one.span else (one.window, one.text)
        kept = places.setdefault(place, one)
        if one.confidence > kept.confidence:
            places[place] = replace(kept, confidence=one.confidence)
    return tuple(places.values())
