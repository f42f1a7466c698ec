"""What every augmented variant must keep; one `verify` that production drops by and the tests check by.

Knows nothing about how a variant was made, only its parent, the names that were meant to change, and the rules:
the twenty of the data notes, as far as one row can show them. A broken one is named, never repaired.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from rapidfuzz.distance import Levenshtein

from kgtune import graph as graphs
from kgtune.examples import Example
from kgtune.graph import Graph
from kgtune.grounding import Haystack, iocs, match_key, refang

_SMALLEST_CHANGE = 0.01


def verify(parent: Example, child: Example, renames: Mapping[str, str]) -> str | None:
    """Name the first invariant that the child breaks, None when it keeps all.

    Both graphs carry the parent's entity ids; `renames` maps old names to new ones, and to nothing else.
    """
    here, there = Haystack(parent.text), Haystack(child.text)
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("graph changed", lambda: _same_graph(parent.graph, child.graph, renames)),
        ("reference broken", lambda: not graphs.reference_problems(child.graph)),
        ("name lost or gained", lambda: _same_mentions(parent.graph, here, there, renames)),
        ("evidence lost", lambda: _same_evidence(parent, child, renames)),
        ("indicator changed", lambda: _indicators(parent.text, renames) == _indicators(child.text, {})),
        ("text not rearranged", lambda: child.aug != "order" or _is_permutation(parent.text, child.text)),
        ("text not framed", lambda: child.aug != "affixes" or parent.text in child.text),
        ("character not allowed", lambda: _characters_kept(parent.text, child.text)),
        ("length out of bounds", lambda: 0.5 <= len(child.text) / len(parent.text) <= 2),
        ("hardly changed", lambda: _is_changed(parent.text, child.text)),
        ("answer not JSON", lambda: _is_answer(child)),
    )
    return next((reason for reason, holds in checks if not holds()), None)


def verify_empty(example: Example, names: Iterable[str]) -> str | None:
    """Name what makes a text with an empty graph doubtful: an indicator, or a name annotated anywhere."""
    if not example.graph.is_empty:
        return "graph not empty"
    if iocs(example.text):
        return "indicator in it"
    haystack = Haystack(example.text)
    return "annotated name in it" if any(haystack.first(name) for name in names) else None


def _same_graph(parent: Graph, child: Graph, renames: Mapping[str, str]) -> bool:
    entities = [(e.id, e.labels, renames.get(e.name, e.name)) for e in parent.entities]
    if entities != [(e.id, e.labels, e.name) for e in child.entities]:
        return False
    edges = [[(r.type, r.source, r.target, r.confidence) for r in g.relationships] for g in (parent, child)]
    triples = [[edge[:3] for edge in side] for side in edges]
    return edges[0] == edges[1] and len(set(triples[0])) == len(set(triples[1]))


def _same_mentions(parent: Graph, here: Haystack, there: Haystack, renames: Mapping[str, str]) -> bool:
    """Every name is mentioned as often as before: none lost, and none brought in by accident."""
    return all(
        len(here.all(entity.name)) == len(there.all(renames.get(entity.name, entity.name)))
        and (here.first(entity.name) is None) == (there.first(renames.get(entity.name, entity.name)) is None)
        for entity in parent.entities
    ) and not any(there.first(old) for old in renames if old not in renames.values())


def _same_evidence(parent: Example, child: Example, renames: Mapping[str, str]) -> bool:
    names = parent.graph.names()
    for old, new in zip(parent.graph.relationships, child.graph.relationships, strict=True):
        if not old.evidence or old.evidence not in parent.text:
            if old.evidence != new.evidence:
                return False
            continue
        if not new.evidence or new.evidence not in child.text:
            return False
        before, after = Haystack(old.evidence), Haystack(new.evidence)
        for end in (old.source, old.target):
            name = names[end].name
            if before.first(name) and not after.first(renames.get(name, name)):
                return False
    return True


def _indicators(text: str, renames: Mapping[str, str]) -> Counter[tuple[str, str]]:
    by_key = {refang(match_key(old)): refang(match_key(new)) for old, new in renames.items()}
    found = [(ioc.kind, refang(match_key(text[ioc.start : ioc.end]))) for ioc in iocs(text)]
    return Counter((kind, by_key.get(key, key)) for kind, key in found)


def _is_permutation(parent: str, child: str) -> bool:
    return Counter(parent) == Counter(child)


def _characters_kept(parent: str, child: str) -> bool:
    new = set(child) - set(parent)
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c != "\n" for c in new):
        return False
    return unicodedata.is_normalized("NFC", child) or not unicodedata.is_normalized("NFC", parent)


def _is_changed(parent: str, child: str) -> bool:
    return child != parent and Levenshtein.normalized_distance(parent, child) >= _SMALLEST_CHANGE


def _is_answer(child: Example) -> bool:
    graph, problems = graphs.from_object(json.loads(child.answer))
    return graph == child.graph and not problems
