"""What only many documents show: contradictions, texts given twice, rare names, a confidence that says nothing.

Knows nothing about files, nor about one document's own faults. Keeps counts, keys and places, never a text.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator

from kgtune.graph import Entity, Graph
from kgtune.grounding import match_key
from kgtune.lint.findings import Finding, Place, read_place
from kgtune.ontology import DERIVED, MOST_LACKING, SHIPPED, Ontology, lacks, load
from kgtune.sources import RawDocument

_RARE, _ENOUGH_ENTITIES = 3, 100  # in a small corpus every label is rare
_SLIP = 0.01  # share up to which a name is likely a slip of the pen
_ENOUGH_RELATIONSHIPS = 20  # of so many, one same confidence is a habit and no judgement


class Corpus:
    """Sees each document once, then yields what they say together, each with the number of its document."""

    NOWHERE = -1  # the number of what no single document says

    def __init__(self, ontology: Ontology) -> None:
        self._ontology = ontology
        self._wheres: list[str] = []  # by the document's number
        self._found: list[tuple[int, Finding]] = []
        self._labels: Counter[str] = Counter()
        self._types: Counter[str] = Counter()
        self._first_use: dict[tuple[str, str], int] = {}
        self._confidences: Counter[float] = Counter()
        self._by_name: dict[int, dict[str, list[int]]] = {}  # name -> label -> [count, document, index]
        self._by_id: dict[int, dict[int, list[int]]] = {}  # id -> name -> [count, document, index]
        self._by_pair: dict[int, array[int]] = {}  # ends, in one order -> rows of (type, direction, document)
        self._type_numbers: dict[str, int] = {}
        self._by_text: dict[int, tuple[int, int]] = {}  # text -> (graph, document)

    def add(self, document: RawDocument) -> None:
        """Take a document into account; contradictions with earlier ones are noted at the later place."""
        number = len(self._wheres)
        self._wheres.append(document.where)
        for index, entity in enumerate(document.graph.entities):
            label = self._ontology.canonical_label(entity.labels) or entity.labels
            self._labels[label] += 1
            self._first_use.setdefault(("label", label), number)
            self._count_name(entity, label, number, index)
            self._count_id(entity, number, index)
        names = document.graph.names()
        for index, edge in enumerate(document.graph.relationships):
            kind = self._ontology.canonical_type(edge.type) or edge.type
            self._types[kind] += 1
            self._first_use.setdefault(("type", kind), number)
            self._confidences[edge.confidence] += 1
            self._compare_pair(names[edge.source], kind, names[edge.target], number, index)
        self._compare_text(document, number)

    def findings(self) -> Iterator[tuple[int, Finding]]:
        """Yield all, once every document was seen."""
        yield from self._found
        yield from self._labels_of_names()
        yield from self._names_of_ids()
        yield from self._rare()
        if self._ontology.name == DERIVED:
            yield from self._nearly_covered()
        number = self._confidences.total()
        if len(self._confidences) == 1 and number >= _ENOUGH_RELATIONSHIPS:
            (value,) = self._confidences
            yield self.NOWHERE, Finding("N-CONFIDENCE-CONSTANT", Place(), f"{value:g}", facts={"number": number})

    def _place(self, document: int, path: str = "") -> Place:
        return read_place(self._wheres[document]).at(path)

    def _count_name(self, entity: Entity, label: str, document: int, index: int) -> None:
        labels = self._by_name.setdefault(hash(match_key(entity.name)), {})
        labels.setdefault(label, [0, document, index])[0] += 1

    def _labels_of_names(self) -> Iterator[tuple[int, Finding]]:
        for labels in self._by_name.values():
            if len(labels) < 2:
                continue
            most = max(labels, key=lambda label: labels[label][0])
            for label, (count, document, index) in labels.items():
                if label != most:
                    facts = {"number": count, "most": labels[most][0], "first": str(self._place(labels[most][1]))}
                    place = self._place(document, f"entities[{index}].labels")
                    yield document, Finding("W-TWO-LABELS", place, label, most, facts)

    def _count_id(self, entity: Entity, document: int, index: int) -> None:
        names = self._by_id.setdefault(hash(entity.id), {})
        names.setdefault(hash(match_key(entity.name)), [0, document, index])[0] += 1

    def _names_of_ids(self) -> Iterator[tuple[int, Finding]]:
        """Where most ids mean one thing in all documents, one that means two is likely a slip.

        Elsewhere ("e1", "tool-2") ids number the entities of one text, and mean another thing in the next.
        """
        repeated = [names for names in self._by_id.values() if sum(count for count, _, _ in names.values()) > 1]
        several = [names for names in repeated if len(names) > 1]
        if len(several) * 2 >= len(repeated):
            return
        for names in several:
            most = max(names, key=lambda name: names[name][0])
            if names[most][0] < 2:
                continue
            first = str(self._place(names[most][1]))
            for name, (_, document, index) in names.items():
                if name != most:
                    place = self._place(document, f"entities[{index}].id")
                    yield document, Finding("W-TWO-NAMES", place, facts={"number": names[most][0], "first": first})

    def _compare_pair(self, source: Entity, kind: str, target: Entity, document: int, index: int) -> None:
        if source is target:
            return
        ends = (match_key(source.name), match_key(target.name))
        direction = int(ends[0] <= ends[1])
        number = self._type_numbers.setdefault(kind, len(self._type_numbers))
        rows = self._by_pair.setdefault(hash((min(ends), max(ends))), array("l"))
        seen = [(rows[i], rows[i + 1], rows[i + 2]) for i in range(0, len(rows), 3)]
        if any((number, direction) == (other, way) for other, way, _ in seen):
            return
        rows.extend((number, direction, document))
        facts: dict[str, object] = {"source": source.name, "target": target.name, "type": kind}
        place = self._place(document, f"relationships[{index}].type")
        for other, way, first in seen:
            facts["first"] = str(self._place(first))
            if way != direction and other == number:
                self._found.append((document, Finding("W-BOTH-WAYS", place, kind, facts=facts)))
                return
        if same_way := [(other, first) for other, way, first in seen if way == direction]:
            other, first = same_way[0]
            facts |= {"other": list(self._type_numbers)[other], "first": str(self._place(first))}
            self._found.append((document, Finding("W-TWO-TYPES", place, kind, facts=facts)))

    def _compare_text(self, document: RawDocument, number: int) -> None:
        graph = hash(_meaning(document.graph))
        other, first = self._by_text.setdefault(hash(document.text), (graph, number))
        if first != number:
            code = "N-SAME-TEXT" if other == graph else "W-TWO-GRAPHS"
            facts = {"first": str(self._place(first))}
            self._found.append((number, Finding(code, self._place(number), document.id, facts=facts)))

    def _nearly_covered(self) -> Iterator[tuple[int, Finding]]:
        """Tell a slip from a vocabulary of its own: what one shipped ontology lacks of all that the data says."""
        total = self._labels.total() + self._types.total()
        for name in SHIPPED:
            strange = lacks(load(name), self._labels, self._types)
            if strange and strange.total() <= total * MOST_LACKING:
                listed = ", ".join(f'"{n}" ({number})' for n, number in strange.most_common(8))
                is_slip = max(strange.values(), default=0) <= max(2, total * _SLIP)
                yield self.NOWHERE, Finding("W-ONTOLOGY" if is_slip else "N-ONTOLOGY", Place(), listed, name)
                return

    def _rare(self) -> Iterator[tuple[int, Finding]]:
        if self._labels.total() < _ENOUGH_ENTITIES:
            return
        for what, code, counts in (("label", "N-RARE-LABEL", self._labels), ("type", "N-RARE-TYPE", self._types)):
            for name, number in sorted(counts.items()):
                if number < _RARE:
                    document = self._first_use[what, name]
                    yield document, Finding(code, self._place(document), name, facts={"number": number})


def _meaning(graph: Graph) -> frozenset[tuple[str, ...]]:
    """Return what a graph says, whatever its ids and order."""
    names = {entity.id: match_key(entity.name) for entity in graph.entities}
    entities = {(entity.labels, names[entity.id]) for entity in graph.entities}
    return frozenset(entities | {(names[edge.source], edge.type, names[edge.target]) for edge in graph.relationships})
