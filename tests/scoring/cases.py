"""Random documents with answers whose reading is known, for the scorer and for the slow reference. About invented names.

Knows nothing about scores: a case says what was written, what the strict and the tolerant reader must see of it.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

from kgtune.graph import Entity, Graph, Relationship, dumps

# Near misses on purpose: contained, a letter apart, another number, another case, an indicator, no name of the text.
NAMES = (
    "Crimson Otter", "CRIMSON OTTER", "Crimson Otter Group", "Crimzon Otter", "Otter", "VelkaRAT", "VelkaRATT", "UNC9001",
    "UNC9002", "velka.invalid", "velka[.]invalid", "10.1.2.3", "10.1.2.4", "绯獭组织", "绯獭", "Halvenport Bank",
    "Halvenport", "NightLoom 2.1", "NightLoom 2.2",
)  # fmt: skip
# The last one is in no ontology; "kit" and "STRIKE" are aliases of "Tool" and "ATTACK".
LABELS = ("ThreatOrganization", "Tool", "Target", "kit", "Wizard")
TYPES = ("USE", "ATTACK", "LAUNCH", "STRIKE", "ENCHANT")
CONFIDENCES = (0.0, 0.05, 0.1, 0.3, 0.5, 0.55, 0.7, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Case:
    """One document and one answer. `seen` is what the tolerant reader must make of it, None when nothing."""

    id: str
    doc_id: str
    lang: str
    text: str
    gold: Graph
    answer: str
    strict: Graph | None
    seen: Graph | None
    is_json: bool
    is_truncated: bool
    kind: str


def random_graph(rng: random.Random, names: list[str], text: str, *, size: int = 5, is_closed: bool = True) -> Graph:
    """Draw a graph; one that is not closed may repeat ids and point nowhere."""
    count = rng.randint(0, size)
    numbers = list(range(1, count + 1)) if is_closed else [rng.randint(1, count + 1) for _ in range(count)]
    entities = tuple(Entity(rng.choice(LABELS), f"e{n}", rng.choice(names)) for n in numbers)
    ends = [entity.id for entity in entities] + ([] if is_closed else ["e77"])
    edges = []
    for _ in range(rng.randint(0, size) if ends else 0):
        start = rng.randrange(len(text))
        evidence = rng.choice([text[start : start + 12].strip(), "never written", "", text[start : start + 9].upper()])
        edges.append(
            Relationship(rng.choice(TYPES), rng.choice(ends), rng.choice(ends), rng.choice(CONFIDENCES), evidence)
        )
    return Graph(entities, tuple(edges))


def random_case(rng: random.Random, number: int) -> Case:
    """Draw a case."""
    mentioned = rng.sample(NAMES, rng.randint(2, 6))
    text = " | ".join(f"report {i} on {name}" for i, name in enumerate(mentioned))
    gold = random_graph(rng, mentioned, text)
    if rng.random() < 0.5:  # an answer near the gold graph
        entities = [
            e if rng.random() < 0.7 else Entity(rng.choice(LABELS), e.id, rng.choice(NAMES)) for e in gold.entities
        ]
        edges = [
            r if rng.random() < 0.7 else Relationship(rng.choice(TYPES), r.source, r.target, 0.5, "")
            for r in gold.relationships
        ]
        predicted = Graph(tuple(entities), tuple(r for r in edges if rng.random() < 0.9))
    else:
        predicted = random_graph(rng, list(NAMES), text, is_closed=rng.random() < 0.5)
    answer, strict, seen, is_json = written(rng, predicted)
    kind = rng.choice(("easy_negative", "hard_negative")) if gold.is_empty else "none"
    return Case(
        f"row-{number}", f"doc-{number // rng.choice((1, 3))}", rng.choice(("en", "zh")), text, gold, answer, strict, seen,
        is_json, rng.random() < 0.1, kind,
    )  # fmt: skip


def written(rng: random.Random, graph: Graph) -> tuple[str, Graph | None, Graph | None, bool]:
    """Write a graph as an answer with one fault or none: (answer, what is strict, what can be read, is JSON)."""
    plain = dumps(graph)
    faults = {
        "none": (plain, graph, graph, True),
        "spaces": ("\n " + json.dumps(json.loads(plain), ensure_ascii=False, indent=1), graph, graph, True),
        "fence": (f"```json\n{plain}\n```", None, graph, False),
        "prose": (f"Here is the graph: {plain}", None, graph, False),
        "comma": (plain[:-1] + ",}", None, graph, False),
        "array": (f"[{plain}]", None, graph, True),
        "words": ("There is nothing to say.", None, None, False),
        "empty": (" ", None, None, False),
        "extra": (plain[:-1] + ',"notes":[]}', None, graph, True),
        "cut": _cut(rng, graph),
    }
    weights = [6 if name == "none" else 1 for name in faults]
    return faults[rng.choices(sorted(faults, key=list(faults).index), weights)[0]]


def _cut(rng: random.Random, graph: Graph) -> tuple[str, Graph | None, Graph | None, bool]:
    """Cut an answer within its last item that has begun: the whole items before it remain."""
    items = [*graph.entities, *graph.relationships]
    if not items:
        return '{"entities":[', None, None, False
    kept = rng.randrange(len(items))
    whole = Graph(
        tuple(e for e in items[:kept] if isinstance(e, Entity)),
        tuple(r for r in items[:kept] if isinstance(r, Relationship)),
    )
    begun = Graph(
        tuple(e for e in items[: kept + 1] if isinstance(e, Entity)),
        tuple(r for r in items[: kept + 1] if isinstance(r, Relationship)),
    )
    text = dumps(begun)
    answer = text[: -len("}]}")] if begun.relationships else text[: text.index('}],"relationships"')]
    answer = answer[: len(answer) - rng.randint(0, 5)]
    return answer, None, whole if kept else None, False
