"""What every augmented variant must keep; one `verify` that production drops by and the tests check by.

Knows nothing about how a variant was made, only its parent, the names that were meant to change, and the rules:
the twenty of the data notes, as far as one row can show them. A broken one is named, never repaired.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from rapidfuzz.distance import Levenshtein

from kgtune import graph as graphs
from kgtune.augmentation import framing, reordering, synonyms
from kgtune.augmentation.editing import Document, Place, without
from kgtune.augmentation.replacement import NamePool
from kgtune.augmentation.tables import Tables, tables
from kgtune.examples import Example
from kgtune.graph import Graph
from kgtune.grounding import Haystack, haystack, match_key, refang

_SMALLEST_CHANGE = 0.01


def verify(
    parent: Example,
    child: Example,
    renames: Mapping[str, str],
    *,
    document: Document | None = None,
    lists: Mapping[str, Tables] | None = None,
    pool: NamePool | None = None,
) -> str | None:
    """Name the first invariant that the child breaks, None when it keeps all.

    Both graphs carry the parent's entity ids; `renames` maps old names to new ones, and to nothing else. What is
    known already may be given: the parent's `document`, the word `lists`, the `pool` that new names come from.
    """
    pair = _Pair(parent, child, renames, document or Document(parent.text, parent.graph))
    checks: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("graph changed", lambda: _same_graph(parent.graph, child.graph, renames)),
        ("description changed", lambda: _same_descriptions(parent.graph, child.graph, renames)),
        ("reference broken", lambda: not graphs.reference_problems(child.graph)),
        ("name lost or gained", pair.has_same_mentions),
        ("evidence lost", pair.has_same_evidence),
        ("indicator changed", pair.has_same_indicators),
        *_of_operation(pair, lists or tables(), pool),
        ("character not allowed", lambda: _characters_kept(parent.text, child.text)),
        ("length out of bounds", lambda: 0.5 <= len(child.text) / len(parent.text) <= 2),
        ("hardly changed", lambda: _is_changed(parent.text, child.text)),
        ("answer not JSON", lambda: _is_answer(child)),
        ("id not its parent's", lambda: _is_child_id(parent, child)),
    )
    return next((reason for reason, holds in checks if not holds()), None)


def verify_empty(example: Example, names: Iterable[str]) -> str | None:
    """Name what makes a text with an empty graph doubtful: an indicator, or a name annotated anywhere."""
    if not example.graph.is_empty:
        return "graph not empty"
    text = haystack(example.text)
    if text.iocs:
        return "indicator in it"
    return "annotated name in it" if any(text.first(name) for name in names) else None


def _of_operation(
    pair: _Pair, lists: Mapping[str, Tables], pool: NamePool | None
) -> tuple[tuple[str, Callable[[], bool]], ...]:
    """What an operation alone may change, and all else is as it was."""
    document, text, lang = pair.document, pair.child.text, pair.parent.lang
    if pair.child.aug == "synonyms":
        only = synonyms.differ_by_synonyms_only
        return (("text changed beyond synonyms", lambda: only(document, text, lang, lists)),)
    if pair.child.aug == "affixes":
        return (("text not framed", lambda: framing.is_framed(document.text, text, lang, lists)),)
    if pair.child.aug == "order":
        return (("text not rearranged", lambda: reordering.is_reordered(document, text)),)
    if pair.child.aug == "entities":
        return (
            ("text changed beyond names", pair.differs_by_names_only),
            ("name not from train", lambda: pool is None or all(map(pool.may_bring_in, pair.renames.values()))),
        )
    return ()


class _Pair:
    """A parent and its child, each text folded and searched once."""

    def __init__(self, parent: Example, child: Example, renames: Mapping[str, str], document: Document) -> None:
        self.parent, self.child, self.renames, self.document = parent, child, renames, document
        self.there = haystack(child.text)

    @cached_property
    def names(self) -> dict[str, str]:
        """Every name of the parent, with what it is called in the child."""
        old = dict.fromkeys([*(entity.name for entity in self.parent.graph.entities), *self.renames])
        return {name: self.renames.get(name, name) for name in old}

    def here(self, name: str) -> list[Place]:
        """Places of a name in the parent."""
        return _places(self.document.haystack, name)

    def in_child(self, name: str) -> list[Place]:
        """Places of a name in the child."""
        return _places(self.there, name)

    def has_same_mentions(self) -> bool:
        """Every name is mentioned as often as before: none lost, and none brought in by accident."""
        if any(len(self.here(old)) != len(self.in_child(new)) for old, new in self.names.items()):
            return False
        here, there = self.document.haystack, self.there
        if any(_is_anchored(here, old) != _is_anchored(there, new) for old, new in self.names.items()):
            return False
        return not any(self.in_child(old) for old in self.renames if old not in self.names.values())

    def has_same_evidence(self) -> bool:
        """Evidence that stood in the text stands in it, with the same ends in it; any other is as it was."""
        names = self.parent.graph.names()
        edges = zip(self.parent.graph.relationships, self.child.graph.relationships, strict=True)
        for (old, new), span in zip(edges, self.document.evidence, strict=True):
            if span is None:
                if old.evidence != new.evidence or self._is_loosely_lost(old.evidence):
                    return False
                continue
            at = self.child.text.find(new.evidence) if new.evidence else -1
            if at < 0:
                return False
            for end in (old.source, old.target):
                name = names[end].name
                is_told = _holds(span, self.here(name))
                if is_told and not _holds((at, at + len(new.evidence)), self.in_child(self.names[name])):
                    return False
        return True

    def _is_loosely_lost(self, evidence: str) -> bool:
        return bool(evidence) and bool(self.document.haystack.first(evidence)) and not self.there.first(evidence)

    def has_same_indicators(self) -> bool:
        """The same indicators after refanging, or what they were renamed to."""
        by_key = {refang(match_key(old)): refang(match_key(new)) for old, new in self.renames.items()}
        before = Counter((kind, by_key.get(key, key)) for kind, key in _indicators(self.document.haystack))
        return before == Counter(_indicators(self.there))

    def differs_by_names_only(self) -> bool:
        """Between the names that were changed, the text is the same."""
        old = [place for name in self.renames for place in self.here(name)]
        new = [place for name in self.renames.values() for place in self.in_child(name)]
        return without(self.parent.text, old) == without(self.child.text, new)


def _places(text: Haystack, name: str) -> list[Place]:
    return [(span.start, span.end) for span in text.all(name)]


def _is_anchored(text: Haystack, name: str) -> bool:
    """Say what `anchor` says, from the mentions that are known already."""
    return any(not text.is_inside_ioc(span) for span in text.all(name))


def _holds(span: Place, places: Iterable[Place]) -> bool:
    return any(span[0] <= start and end <= span[1] for start, end in places)


def _indicators(text: Haystack) -> list[tuple[str, str]]:
    return [(ioc.kind, refang(match_key(text.text[ioc.start : ioc.end]))) for ioc in text.iocs]


def _same_graph(parent: Graph, child: Graph, renames: Mapping[str, str]) -> bool:
    entities = [(e.id, e.labels, renames.get(e.name, e.name)) for e in parent.entities]
    if entities != [(e.id, e.labels, e.name) for e in child.entities]:
        return False
    if len({pair[1:] for pair in entities}) != len({(e.labels, e.name) for e in parent.entities}):
        return False  # two entities have become one
    edges = [[(r.type, r.source, r.target, r.confidence) for r in g.relationships] for g in (parent, child)]
    return edges[0] == edges[1]


def _same_descriptions(parent: Graph, child: Graph, renames: Mapping[str, str]) -> bool:
    """A description is as it was, or empty where it could tell an old name."""
    old_keys = [match_key(old) for old in renames]
    for old, new in zip(parent.entities, child.entities, strict=True):
        tells = old.name in renames or any(key in match_key(old.description) for key in old_keys)
        if new.description != ("" if tells else old.description):
            return False
    return True


def _characters_kept(parent: str, child: str) -> bool:
    new = set(child) - set(parent)
    if any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c != "\n" for c in new):
        return False
    return unicodedata.is_normalized("NFC", child) or not unicodedata.is_normalized("NFC", parent)


def _is_changed(parent: str, child: str) -> bool:
    least = max(1, math.ceil(_SMALLEST_CHANGE * max(len(parent), len(child))))
    # With a cutoff the distance is cheap: all that is asked is whether it gets that far.
    return Levenshtein.distance(parent, child, score_cutoff=least - 1) >= least


def _is_answer(child: Example) -> bool:
    graph, problems = graphs.from_object(json.loads(child.answer))
    return graph == child.graph and not problems


def _is_child_id(parent: Example, child: Example) -> bool:
    """A variant is known by its parent: same document and group, and the parent's id with operation and number."""
    if not child.aug:
        return True
    head, _, number = child.id.rpartition(child.aug)
    same = (child.doc_id, child.group_id, child.split, child.lang) == (
        parent.doc_id, parent.group_id, parent.split, parent.lang
    )  # fmt: skip
    return same and head == f"{parent.id}+" and number.isdigit()
