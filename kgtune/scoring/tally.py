"""One judged answer -> the counts it adds, the items it adds to the slices, and its findings.

Knows nothing about other answers, intervals or files. All that is measured on an answer is measured here, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from kgtune.graph import Entity, Graph
from kgtune.grounding import Haystack
from kgtune.ontology import Ontology
from kgtune.scoring import grounded, taxonomy
from kgtune.scoring.documents import Judged
from kgtune.scoring.likeness import NO_ALIASES, Aliases
from kgtune.scoring.matching import Matches, Named, match_entities, match_relationships, named
from kgtune.scoring.metrics import FIXED, MODES, NUM_BINS, THINGS

Cell = tuple[str, str]
"""A slice of the items: a label, a relationship type, seen or unseen names; as ("entity_names", "seen")."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What answers are held against, the same for every answer of a set."""

    ontology: Ontology
    aliases: Aliases = NO_ALIASES
    known_names: frozenset[str] | None = None
    """Folded names of the train documents; None: unknown, and names are not sliced."""
    given: Callable[[float], float] | None = None
    """The confidence that users get for a probability; None: that is not measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one answer adds. `cells` holds (hits, gold, predicted), strictly, by slice of the items."""

    counts: Counter[str]
    cells: dict[Cell, tuple[int, int, int]]
    findings: tuple[str, ...]
    reason: str | None
    hits: dict[str, list[int]] = field(default_factory=dict)
    """By kind of item: the places of the predicted items that are strict hits, for whoever shows them."""

    @property
    def f1(self) -> float | None:
        """F1 of entities and relationships together, strictly; None where nothing is to be found and nothing was."""
        hits = sum(self.counts[f"{thing}_hits_strict"] for thing in THINGS)
        total = sum(self.counts[f"{thing}_{side}"] for thing in THINGS for side in ("gold", "predicted"))
        return round(2 * hits / total, 4) if total else None


def tally(judged: Judged, rules: Rules) -> Row:
    """Measure one answer."""
    gold = named(judged.document.gold)
    predicted_graph = judged.graph or Graph()
    predicted = named(predicted_graph)
    spelt = partial(respelt, ontology=rules.ontology)
    entities = match_entities(gold, predicted, rules.aliases, spelt)
    relationships = match_relationships(gold, predicted, rules.aliases, spelt)
    found = taxonomy.findings(judged, rules.ontology)
    counts: Counter[str] = Counter(rows=1, truncated=int(judged.is_truncated))
    _count_reading(judged, found, counts)
    _count_items("entity", entities, predicted.entities, counts)
    _count_items("relationship", relationships, predicted.relationships, counts)
    _count_repaired(judged, gold, counts)
    _count_empty(judged, counts)
    counts["exact_graph"] = int(judged.graph is not None and _is_exact(entities) and _is_exact(relationships))
    counts["legal_ends"] = sum(rules.ontology.is_legal(r[1], r[0], r[3]) for r in predicted.relationships)
    if judged.document.text is not None:
        haystack = Haystack(judged.document.text)
        _count_names(predicted_graph, haystack, entities, relationships, counts)
        if judged.has_details:
            _count_evidence(predicted_graph, haystack, counts)
    if judged.has_details:
        stated = [edge.confidence for edge in predicted_graph.relationships]
        _count_confidence("", stated, relationships.strict, counts)
    if rules.given is not None:
        _count_confidence("given_", map(rules.given, judged.probabilities), relationships.strict, counts)
    return Row(
        counts,
        dict(_cells(gold, predicted, entities, relationships, rules)),
        found,
        taxonomy.reason(judged, found),
        {"entities": sorted(entities.strict), "relationships": sorted(relationships.strict)},
    )


def respelt(items: Named, ontology: Ontology) -> Named:
    """Write the labels and types as the ontology does where they are aliases or other spellings of its own."""

    def label(name: str) -> str:
        return ontology.canonical_label(name) or name

    return Named(
        tuple((label(kind), name) for kind, name in items.entities),
        tuple(
            (ontology.canonical_type(kind) or kind, label(one), source, label(other), target)
            for kind, one, source, other, target in items.relationships
        ),
    )


def _count_reading(judged: Judged, found: tuple[str, ...], counts: Counter[str]) -> None:
    if judged.answer is not None:
        counts.update(answers=1, json=int(judged.is_json), repaired=int(judged.repaired is not None))
    elif judged.graph is None:  # no answer at all
        counts.update(answers=1)
    if judged.graph is not None:
        counts["shape"] = 1
        counts["schema"] = int(not {"unknown_label", "unknown_type"} & set(found))
        counts["closed"] = int(not {"duplicate_id", "dangling_id"} & set(found))


def _count_items(thing: str, matches: Matches, predicted: tuple[tuple[str, ...], ...], counts: Counter[str]) -> None:
    counts[f"{thing}_gold"] = matches.num_gold
    counts[f"{thing}_predicted"] = matches.num_predicted
    counts[f"{thing}_repeated"] = len(predicted) - len(set(predicted))
    counts[f"{thing}_omitted"] = matches.num_gold - len(matches.relaxed)
    for mode, hits in zip(MODES, (matches.strict, matches.relaxed, matches.type_agnostic), strict=False):
        counts[f"{thing}_hits_{mode}"] = len(hits)


def _count_repaired(judged: Judged, gold: Named, counts: Counter[str]) -> None:
    """Count the strict hits of what the tolerant reader gives; for a strict graph they are the same."""
    repaired = named(judged.repaired or Graph())
    for thing, mine, theirs in (
        ("entity", gold.entities, repaired.entities),
        ("relationship", gold.relationships, repaired.relationships),
    ):
        counts[f"{thing}_predicted_after_repair"] = len(theirs)
        counts[f"{thing}_hits_after_repair"] = (
            counts[f"{thing}_hits_strict"] if judged.graph is not None else (Counter(mine) & Counter(theirs)).total()
        )


def _count_empty(judged: Judged, counts: Counter[str]) -> None:
    if not judged.document.gold.is_empty:
        return
    right = int(judged.graph is not None and judged.graph.is_empty)
    counts.update(empty=1, empty_right=right)
    kind = {"easy_negative": "easy", "hard_negative": "hard"}.get(judged.document.kind)
    if kind:
        counts.update({kind: 1, f"{kind}_right": right})


def _is_exact(matches: Matches) -> bool:
    return len(matches.strict) == matches.num_gold == matches.num_predicted


def _count_names(graph: Graph, text: Haystack, entities: Matches, relationships: Matches, counts: Counter[str]) -> None:
    """Count where names stand; hallucinated is what the text does not name and gold has nothing like."""
    counts["rows_with_text"] = 1
    floating: set[str] = set()
    for place, entity in enumerate(graph.entities):
        level = grounded.name_level(entity.name, text)
        counts[f"name_{level}"] += 1
        if level == "none" and place not in entities.like_gold:
            floating.add(entity.id)
            counts["entity_hallucinated"] += 1
    counts["entity_checked"] = len(graph.entities)
    counts["relationship_checked"] = len(graph.relationships)
    known = {entity.id for entity in graph.entities}
    counts["relationship_hallucinated"] = sum(
        place not in relationships.like_gold and bool({edge.source, edge.target} & floating or
                                                    not {edge.source, edge.target} <= known)
        for place, edge in enumerate(graph.relationships)
    )  # fmt: skip


def _count_evidence(graph: Graph, text: Haystack, counts: Counter[str]) -> None:
    by_id: dict[str, Entity] = {}
    for entity in graph.entities:
        by_id.setdefault(entity.id, entity)
    for edge in graph.relationships:
        counts[f"evidence_{grounded.evidence_level(edge.evidence, text)}"] += 1
        source, target = by_id.get(edge.source), by_id.get(edge.target)
        if source is not None and target is not None:
            counts["both_ends"] += grounded.holds_both(edge, (source, target))


def _count_confidence(prefix: str, said: Iterable[float], right: frozenset[int], counts: Counter[str]) -> None:
    for place, confidence in enumerate(said):
        is_right = int(place in right)
        b = min(int(confidence * NUM_BINS), NUM_BINS - 1)
        counts.update(
            {
                f"{prefix}judged_confidences": 1,
                f"{prefix}squared_error": round((confidence - is_right) ** 2 * FIXED),
                f"{prefix}bin{b}_count": 1,
                f"{prefix}bin{b}_right": is_right,
                f"{prefix}bin{b}_confidence": round(confidence * FIXED),
            }
        )


def _cells(
    gold: Named, predicted: Named, entities: Matches, relationships: Matches, rules: Rules
) -> Iterator[tuple[Cell, tuple[int, int, int]]]:
    """Yield strict (hits, gold, predicted) by label, by type, and by whether training has seen the names."""
    hits = [predicted.entities[place] for place in entities.strict]
    edge_hits = [predicted.relationships[place] for place in relationships.strict]
    yield from _by("label", [[e[0] for e in part] for part in (hits, gold.entities, predicted.entities)])
    edges = (edge_hits, gold.relationships, predicted.relationships)
    yield from _by("type", [[r[0] for r in part] for part in edges])
    known = rules.known_names
    if known is not None:
        names = [[_seen(e[1] in known) for e in part] for part in (hits, gold.entities, predicted.entities)]
        yield from _by("entity_names", names)
        yield from _by("relationship_names", [[_seen({r[2], r[4]} <= known) for r in part] for part in edges])


def _by(dimension: str, parts: list[list[str]]) -> Iterator[tuple[Cell, tuple[int, int, int]]]:
    hits, gold, predicted = (Counter(part) for part in parts)
    for key in sorted({*gold, *predicted}):
        yield (dimension, key), (hits[key], gold[key], predicted[key])


def _seen(is_seen: bool) -> str:  # noqa: FBT001  the one thing it names
    return "seen" if is_seen else "unseen"
