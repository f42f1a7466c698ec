"""Why an answer is no graph, or a faulty one: every finding of an answer, and the one that counts as its reason.

Knows nothing about gold graphs. An answer may have several findings; the first fatal one, in the order below, is its
reason. A strict graph has no reason, whatever else is found in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from kgtune.graph import Graph
from kgtune.ontology import Ontology
from kgtune.scoring.documents import Judged
from kgtune.scoring.matching import DANGLING, named


@dataclass(frozen=True, slots=True)
class Finding:
    """A kind of fault. What to do about it depends on whose answer it is: see remedies."""

    words: str
    is_fatal: bool = True


FINDINGS: dict[str, Finding] = {
    "no_answer": Finding("there is no answer for the document"),
    "empty": Finding("the answer is empty"),
    "loop": Finding("the same passage or item again and again"),
    "cut_off": Finding("the answer ends in the middle"),
    "code_fence": Finding("a code fence around the graph"),
    "prose_around": Finding("words before or after the graph"),
    "quotes": Finding("wrong, missing or unescaped quotes"),
    "trailing_comma": Finding("a comma before a closing bracket"),
    "bad_escape": Finding("an escape that JSON does not know, or a raw line break in a string"),
    "duplicate_key": Finding("an object names a key twice"),
    "not_json": Finding("no JSON in it, or JSON broken in another way"),
    "array_root": Finding("a list instead of an object"),
    "not_object": Finding("a single value instead of an object"),
    "missing_key": Finding("a key or a required value is missing"),
    "extra_key": Finding("a key that the contract does not have"),
    "wrong_type": Finding("a value of the wrong type"),
    "unknown_label": Finding("an entity label that the ontology does not have", is_fatal=False),
    "unknown_type": Finding("a relationship type that the ontology does not have", is_fatal=False),
    "duplicate_id": Finding("two entities with one id", is_fatal=False),
    "dangling_id": Finding("a relationship that points to no entity", is_fatal=False),
}
"""Every finding there is. The fatal ones stand first, in the order in which they count as the reason."""

# Every 20 characters, 30 are looked for again: seven repeats over 100 characters can't lie between two probes.
_PROBE, _PROBE_STEP, _LONGEST_UNIT, _TRIES = 30, 20, 300, 3
_SHORTEST_LOOP = 60
_LOOP_ITEMS = 5  # the same item so often is no oversight


def findings(judged: Judged, ontology: Ontology) -> tuple[str, ...]:
    """List the findings of an answer, in the order of FINDINGS."""
    found = set(judged.faults)
    graph = judged.repaired
    if graph is not None:
        found |= _of_graph(graph, ontology)
    if judged.answer is not None and is_loop(judged.answer, judged.document.text or ""):
        found.add("loop")
    if judged.is_truncated and judged.graph is None:
        found.add("cut_off")
    return tuple(code for code in FINDINGS if code in found)


def reason(judged: Judged, found: Collection[str]) -> str | None:
    """Return the first fatal finding; None for an answer that the strict reader takes."""
    if judged.graph is not None:
        return None
    return next(code for code in FINDINGS if code in found and FINDINGS[code].is_fatal)


def _of_graph(graph: Graph, ontology: Ontology) -> set[str]:
    found = set()
    if any(ontology.label(entity.labels) is None for entity in graph.entities):
        found.add("unknown_label")
    known_types = set(ontology.type_names)
    if any(edge.type not in known_types for edge in graph.relationships):
        found.add("unknown_type")
    if len({entity.id for entity in graph.entities}) < len(graph.entities):
        found.add("duplicate_id")
    view = named(graph)
    if any(DANGLING in (edge[1], edge[3]) for edge in view.relationships):
        found.add("dangling_id")
    most = max([*Counter(view.entities).values(), *Counter(view.relationships).values()], default=0)
    if most >= _LOOP_ITEMS:
        found.add("loop")
    return found


def is_loop(answer: str, text: str = "") -> bool:
    """Say whether a passage of at most 300 characters is repeated in a row; seven times over 100 characters is seen.

    Of fewer repeats some are missed, four and less are never a loop. A stretch that the text has itself is a quotation
    (a ruler of dashes, a table), no loop.
    """
    for start in range(0, len(answer) - _PROBE, _PROBE_STEP):
        probe = answer[start : start + _PROBE]
        again = start
        for _ in range(_TRIES):
            again = answer.find(probe, again + 1, start + _LONGEST_UNIT + _PROBE)
            if again < 0:
                break
            stretch = _stretch(answer, start, again - start)
            if stretch and stretch not in text:
                return True
    return False


def _stretch(answer: str, start: int, period: int) -> str:
    """Return the repeats of a passage from its first place on; nothing when they are too few or too short."""
    unit, times = answer[start : start + period], 1
    while answer.startswith(unit, start + times * period):
        times += 1
    is_loop = times >= _LOOP_ITEMS and times * period >= _SHORTEST_LOOP
    return answer[start : start + times * period] if is_loop else ""
