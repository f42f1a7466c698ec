"""Other names for a document's entities, alike everywhere in it: from train names of the same label, or made up.

Knows nothing about splits or rows. Whatever would leave a trace of the old name, or bring in a doubtful one, stays.
"""

from __future__ import annotations

import hashlib
import heapq
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from kgtune.augmentation import made_up
from kgtune.augmentation.aliases import aliases_of, is_name_like
from kgtune.augmentation.editing import Document, Edit, Place, Proposal, merged, overlaps, without
from kgtune.examples import Example
from kgtune.graph import Entity, Graph
from kgtune.grounding import match_key

Script = Literal["zh", "latin", "mixed"]

_HAN = re.compile("[\u3400-\u9fff]")
_LATIN = re.compile("[A-Za-z]")
# Capitals beside a name; the first word of a sentence has one too, and says nothing.
_CAPITAL_BEFORE = re.compile(r"(?<=[a-z,;0-9] )([A-Z][A-Za-z0-9-]+) $")
_CAPITAL_BEHIND = re.compile(r" ([A-Z][a-z0-9-]+)")
_MOST_NAMES = 5_000  # of one label and script: enough variety, and a bounded pool
_MOST_DRAWS = 32


class NamePool:
    """Names of train examples by label and script, in sorted order; indicators are left out.

    `held_out`: names of the other splits. None of them is in the pool, nor is one ever made up.
    """

    def __init__(self, train: Iterable[Example], held_out: Iterable[str] = ()) -> None:
        self._fill(
            [(e.labels, e.name) for one in train if not one.aug for e in one.graph.entities], held_out, match_key
        )

    @classmethod
    def of_names(
        cls, pairs: Iterable[tuple[str, str]], held_out: Iterable[str] = (), *, key: Callable[[str], str] = match_key
    ) -> NamePool:
        """Make a pool from (label, name) pairs of train originals; `key` gives match keys that are known already."""
        pool = cls(())
        pool._fill(pairs, held_out, key)
        return pool

    def _fill(self, pairs: Iterable[tuple[str, str]], held_out: Iterable[str], key: Callable[[str], str]) -> None:
        closed = {key(name) for name in held_out}
        self._taken = {one for one in closed if made_up.is_ours(one)}
        found: dict[tuple[str, Script], set[str]] = defaultdict(set)
        for label, name in pairs:
            if made_up.is_ours(name):
                self._taken.add(key(name))
            elif is_name_like(name) and key(name) not in closed and made_up.is_free_of_indicators(name):
                found[label, _script(name)].add(name)
        self._names = {place: _fewer(names) for place, names in found.items()}
        self._known = {key(name) for names in self._names.values() for name in names}

    def like(self, entity: Entity, name: str | None = None) -> Sequence[str]:
        """Return the names of the entity's label in the script of its name (or of another name of it)."""
        return self._names.get((entity.labels, _script(name or entity.name)), ())

    def may_bring_in(self, name: str) -> bool:
        """Tell whether a replacement may have this name: a train name, or an indicator that nobody owns."""
        return match_key(name) in self._known or (made_up.is_ours(name) and match_key(name) not in self._taken)


def _fewer(names: set[str]) -> list[str]:
    """Keep at most so many names, those with the smallest hashes: the same ones in any order of documents."""
    if len(names) > _MOST_NAMES:
        return sorted(heapq.nsmallest(_MOST_NAMES, names, key=lambda n: hashlib.sha256(n.encode()).digest()))
    return sorted(names)


def rename(
    document: Document, rng: random.Random, pool: NamePool, replaceable: frozenset[str] | None
) -> Proposal | None:
    """Rename every entity that can be renamed without a trace of the old name; None where none can."""
    renames: dict[str, str] = {}
    edits: list[Edit] = []
    for entity in document.graph.entities:
        if replaceable is not None and entity.labels not in replaceable:
            continue
        mentions = _mentions(document, entity)
        news = _new_names(document, entity, mentions, rng, pool, [*renames.values()])
        if not mentions or news is None:
            continue
        renames |= news
        for old, places in mentions.items():
            edits += [Edit(*place, _in_style(news[old], old, document.text[slice(*place)])) for place in places]
    if not renames:
        return None
    text, graph = document.edited(edits, allowed=[(edit.start, edit.end) for edit in edits])
    return Proposal(text, _renamed(graph, renames), renames)


def _renamed(graph: Graph, renames: dict[str, str]) -> Graph:
    """Put the new names in, and take out descriptions that know the old ones."""
    old_keys = [match_key(old) for old in renames]

    def changed(entity: Entity) -> Entity:
        knows_old = entity.name in renames or any(key in match_key(entity.description) for key in old_keys)
        return replace(
            entity, name=renames.get(entity.name, entity.name), description="" if knows_old else entity.description
        )

    return Graph(tuple(changed(entity) for entity in graph.entities), graph.relationships)


def _mentions(document: Document, entity: Entity) -> dict[str, list[Place]]:
    """Return the places of each name of the entity; empty where one of them can't be replaced without a trace."""
    if not document.mentions[entity.id] or not (is_name_like(entity.name) or made_up.kind_of(entity.name)):
        return {}
    if not made_up.is_free_of_indicators(entity.name) and not made_up.kind_of(entity.name):
        return {}  # "evil.example server": a name that is an indicator in part
    aliases = aliases_of(document, entity)
    if aliases is None:
        return {}
    mentions = {entity.name: document.mentions[entity.id]}
    mentions |= {alias: [(s.start, s.end) for s in document.haystack.all(alias)] for alias in aliases}
    if any(_is_used_otherwise(document, name, places) for name, places in mentions.items()):
        return {}
    is_free = _are_distinct(document, entity, mentions) and not _touch_others(document, entity, mentions)
    return mentions if is_free and not _leave_a_trace(document, mentions) else {}


def _is_used_otherwise(document: Document, name: str, places: Sequence[Place]) -> bool:
    """Tell a name that is a common noun ("tools" for Tool), or part of a longer name ("PowerShell Empire")."""
    if made_up.kind_of(name) or _script(name) != "latin":
        return False
    text = document.text
    if not name.islower() and any(text[a:b].islower() or text[b : b + 1] == "s" for a, b in places):
        return True
    annotated = merged(place for found in document.mentions.values() for place in found)
    for start, end in places:
        before, behind = _CAPITAL_BEFORE.search(text, max(0, start - 30), start), _CAPITAL_BEHIND.match(text, end)
        if any(word and not overlaps(annotated, *word.span(1)) for word in (before, behind)):
            return True
    return False


def _are_distinct(document: Document, entity: Entity, names: Iterable[str]) -> bool:
    """Ask that no name is a part of another entity's name, or the other way round."""
    others = [match_key(other.name) for other in document.graph.entities if other.id != entity.id]
    keys = [match_key(name) for name in names]
    return not any(key in other or other in key for key in keys for other in others)


def _touch_others(document: Document, entity: Entity, mentions: dict[str, list[Place]]) -> bool:
    """Tell whether a mention overlaps another name, code or loose evidence, or part of an indicator, or is cut."""
    taken = [place for other, places in document.mentions.items() if other != entity.id for place in places]
    closed = merged([*taken, *document.code, *document.loose_evidence])
    whole = {(ioc.start, ioc.end) for ioc in document.haystack.iocs}
    iocs = merged(whole)
    own = [place for places in mentions.values() for place in places]
    if any(overlaps(closed, *place) or (place not in whole and overlaps(iocs, *place)) for place in own):
        return True
    if any(document.cuts_evidence(*place) for place in own):
        return True
    return len(merged(own)) < len(own)  # two mentions that overlap or touch


def _leave_a_trace(document: Document, mentions: dict[str, list[Place]]) -> bool:
    """Tell whether a telling part of a name ("Lazarus" of "Lazarus Group") stands elsewhere in text or evidence."""
    rest = "\n".join(without(document.text, [place for places in mentions.values() for place in places])).casefold()
    # Evidence that is a paraphrase stays as it is, so a name in it would go on telling the old one.
    paraphrases = "\n".join(
        r.evidence for r, span in zip(document.graph.relationships, document.evidence, strict=True) if span is None
    )
    rest += "\n" + paraphrases.casefold()
    if any(part.casefold() in rest for name in mentions for part in _telling_parts(name)):
        return True
    return bool(paraphrases) and any(match_key(name) in match_key(paraphrases) for name in mentions)


def _telling_parts(name: str) -> Iterator[str]:
    yield from (word for word in re.findall(r"[A-Za-z0-9]{4,}", name) if not word.islower())
    yield from (run[:3] for run in re.findall("[\u3400-\u9fff]{3,}", name))


def _new_names(
    document: Document,
    entity: Entity,
    mentions: dict[str, list[Place]],
    rng: random.Random,
    pool: NamePool,
    chosen: Sequence[str],
) -> dict[str, str] | None:
    """Draw a new name for each name of the entity; None where one of them has none that fits."""
    news: dict[str, str] = {}
    for old, places in mentions.items():
        surfaces = {document.text[slice(*place)] for place in places}
        new = _new_name(document, entity, old, rng, pool, [*chosen, *news.values()])
        if new is None or not _fits(document.text, places, old, new, surfaces):
            return None
        news[old] = new
    return news


def _new_name(
    document: Document, entity: Entity, old: str, rng: random.Random, pool: NamePool, chosen: Sequence[str]
) -> str | None:
    kind = made_up.kind_of(old)
    if kind is not None and kind not in made_up.KINDS:
        return None
    names = pool.like(entity, old)
    keys = [match_key(name) for name in (*chosen, *(other.name for other in document.graph.entities))]
    for _ in range(_MOST_DRAWS if kind or names else 0):
        new = made_up.make(kind, old, rng) if kind else rng.choice(names)
        key = match_key(new)
        is_new = all(key not in other and other not in key for other in keys)
        if is_new and pool.may_bring_in(new) and not document.haystack.first(new):
            return new
    return None


def _in_style(new: str, old: str, surface: str) -> str:
    """Spell the new name as this mention spells the old one: defanged alike, or in capitals."""
    if made_up.kind_of(old):
        return made_up.styled(new, surface)
    return new.upper() if surface.isupper() and not old.isupper() else new


def _fits(text: str, places: Sequence[Place], old: str, new: str, surfaces: set[str]) -> bool:
    """Ask for the same kind of first letter after "a" or "an"; a name that takes "the" has few like it."""
    if len(match_key(new)) < 4 and surfaces != {old}:  # so short a name is found in its own spelling only
        return False
    before = [text[max(0, start - 5) : start].lower() for start, _ in places]
    if any(re.search(r"\bthe $", words) for words in before):
        return False
    if not any(re.search(r"\ban? $", words) for words in before):
        return True
    return (old[:1].lower() in "aeiou") == (new[:1].lower() in "aeiou")


def _script(name: str) -> Script:
    has_han, has_latin = bool(_HAN.search(name)), bool(_LATIN.search(name))
    return "mixed" if has_han and has_latin else "zh" if has_han else "latin"
