"""Other names for a document's entities, alike everywhere in it: from train names of the same label, or made up.

Knows nothing about splits or rows. Indicators are made up inside the ranges kept for documentation (RFC 5737, 3849
and 2606) and keep the way they were defanged; every other name comes from the pool of train names.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from kgtune.editing import Document, Edit, overlaps
from kgtune.examples import Example
from kgtune.graph import Entity, Graph
from kgtune.grounding import Span, iocs, match_key
from kgtune.iocs import Kind, refang

Script = Literal["zh", "latin", "mixed"]

_HAN = re.compile("[\u3400-\u9fff]")
_LATIN = re.compile("[A-Za-z]")
_WORDS = ("amber", "birch", "cobble", "dune", "ember", "fjord", "grove", "harbor", "island", "juniper", "kelp",
          "lagoon", "meadow", "nectar", "orchid", "pebble", "quartz", "river", "saffron", "timber", "umber", "violet",
          "willow", "yarrow", "zephyr")  # fmt: skip
_DEFANGED_DOT = re.compile(r"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\\\.|．", re.IGNORECASE)
_MADE_UP: frozenset[Kind] = frozenset(
    {"ipv4", "ipv6", "domain", "url", "email", "file", "md5", "sha1", "sha256", "sha512"}
)
_LONGEST_NAME = 40


class NamePool:
    """Names of train examples by label and script, in sorted order; indicators are left out."""

    def __init__(self, train: Iterable[Example]) -> None:
        found: dict[tuple[str, Script], set[str]] = defaultdict(set)
        for example in train:
            for entity in example.graph.entities:
                if not example.aug and _is_name_like(entity.name) and not iocs(entity.name):
                    found[entity.labels, _script(entity.name)].add(entity.name)
        self._names = {key: sorted(names) for key, names in found.items()}

    def like(self, entity: Entity) -> Sequence[str]:
        return self._names.get((entity.labels, _script(entity.name)), ())


def rename(
    document: Document, rng: random.Random, pool: NamePool, replaceable: frozenset[str] | None
) -> tuple[str, Graph, dict[str, str]] | None:
    """Rename every entity that can be renamed without a trace of the old name; None where none can."""
    renames: dict[str, str] = {}
    edits: list[Edit] = []
    for entity in document.graph.entities:
        if (replaceable is not None and entity.labels not in replaceable) or not _can_go(document, entity):
            continue
        spans = document.haystack.all(entity.name)
        new = _new_name(document, entity, rng, pool, [*renames.values()])
        if new is None or not _fits_articles(document.text, spans, entity.name, new):
            continue
        renames[entity.name] = new
        edits += [Edit(s.start, s.end, _styled(new, document.text[s.start : s.end])) for s in spans]
    if not renames:
        return None
    text, graph = document.edited(edits, allowed=[(edit.start, edit.end) for edit in edits])
    return text, _renamed(graph, renames), renames


def _renamed(graph: Graph, renames: dict[str, str]) -> Graph:
    """Put the new names in, and take out descriptions that know the old ones."""

    def changed(entity: Entity) -> Entity:
        knows_old = entity.name in renames or any(old in entity.description for old in renames)
        return replace(
            entity, name=renames.get(entity.name, entity.name), description="" if knows_old else entity.description
        )

    return Graph(tuple(changed(entity) for entity in graph.entities), graph.relationships)


def _can_go(document: Document, entity: Entity) -> bool:
    spans = document.haystack.all(entity.name)
    if not spans or not (_is_name_like(entity.name) or _kind(entity.name)):
        return False
    key = match_key(entity.name)
    others = [other for other in document.graph.entities if other.id != entity.id]
    if any(key in match_key(other.name) or match_key(other.name) in key for other in others):
        return False
    taken = [span for other in others for span in document.mentions[other.id]]
    if any(
        document.haystack.is_inside_ioc(s) or overlaps(sorted([*taken, *document.code]), s.start, s.end) for s in spans
    ):
        return False
    return not _leaves_a_trace(document, entity, spans)


def _leaves_a_trace(document: Document, entity: Entity, spans: Sequence[Span]) -> bool:
    """Tell whether a telling part of the name ("Lazarus" of "Lazarus Group") stands elsewhere in text or evidence."""
    rest = _without(document.text, spans)
    parts = [word for word in re.findall(r"[A-Za-z0-9]{4,}", entity.name) if not word.islower()]
    parts += [run[:3] for run in re.findall("[\u3400-\u9fff]{3,}", entity.name)]
    paraphrases = [
        r.evidence for r, span in zip(document.graph.relationships, document.evidence, strict=True) if span is None
    ]
    # Evidence that is a paraphrase stays as it is, so a name in it would go on telling the old one.
    return any(part.casefold() in rest.casefold() for part in parts) or any(entity.name in p for p in paraphrases)


def _without(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        if span.start >= at:
            parts.append(text[at : span.start])
            at = span.end
    return "\n".join([*parts, text[at:]])


def _new_name(
    document: Document, entity: Entity, rng: random.Random, pool: NamePool, chosen: Sequence[str]
) -> str | None:
    kind = _kind(entity.name)
    if kind is not None:
        return _styled(_made_up(kind, entity.name, rng), entity.name) if kind in _MADE_UP else None
    keys = [match_key(name) for name in (*chosen, *(other.name for other in document.graph.entities))]
    candidates = [
        name
        for name in pool.like(entity)
        if all(match_key(name) not in key and key not in match_key(name) for key in keys)
        and not document.haystack.first(name)
    ]
    return rng.choice(candidates) if candidates else None


def _kind(name: str) -> Kind | None:
    """Return the kind of indicator that the whole name is, None for any other name."""
    found = iocs(name)
    return found[0].kind if len(found) == 1 and (found[0].start, found[0].end) == (0, len(name)) else None


def _made_up(kind: Kind, old: str, rng: random.Random) -> str:
    plain = refang(old)
    if kind == "ipv4":
        network = rng.choice(("192.0.2", "198.51.100", "203.0.113"))
        tail = re.search(r"[:/]\d+$", plain)
        return f"{network}.{rng.randint(1, 254)}{tail[0] if tail else ''}"
    if kind == "ipv6":
        return f"2001:db8::{rng.randint(1, 0xFFFF):x}"
    if kind == "domain":
        return _domain(rng)
    if kind == "url":
        scheme, _, rest = plain.partition("://")
        ending = re.search(r"/[^/?#]*(\.[a-z0-9]{2,4})$", rest, re.IGNORECASE)
        path = f"/{rng.choice(_WORDS)}{ending[1] if ending else ''}" if "/" in rest else ""
        return f"{scheme}://{_domain(rng)}{path}"
    if kind == "email":
        return f"{rng.choice(_WORDS)}{rng.randint(10, 99)}@{_domain(rng)}"
    if kind == "file":
        return f"{rng.choice(_WORDS)}{rng.randint(10, 99)}.{plain.rpartition('.')[2]}"
    digits = "".join(rng.choice("0123456789abcdef") for _ in plain)
    return digits.upper() if plain.isupper() else digits


def _domain(rng: random.Random) -> str:
    one, two = rng.sample(_WORDS, 2)
    return f"{one}-{two}.{rng.choice(('example', 'example.com', 'example.net', 'example.org', 'test', 'invalid'))}"


def _styled(new: str, surface: str) -> str:
    """Defang `new` the way that `surface` is: its kind of dot, all dots or the last, and its scheme."""
    plain = refang(new)
    dot = _DEFANGED_DOT.search(surface)
    if dot:
        head, host, rest = _around_host(plain)
        only_last = len(_DEFANGED_DOT.findall(surface)) < _around_host(refang(surface))[1].count(".")
        front, _, back = host.rpartition(".")
        plain = head + (f"{front}{dot[0]}{back}" if only_last else host.replace(".", dot[0])) + rest
    separator = re.match(r"([A-Za-z*]+)(\[://\]|(?:\[:\]|:)(?://|\\\\|\[//\]))", surface)
    if separator and "://" in plain:
        plain = separator[1] + separator[2] + plain.partition("://")[2]
    at = re.search(r"\[at\]|\(at\)|\[@\]", surface, re.IGNORECASE)
    return plain.replace("@", at[0]) if at else plain


def _around_host(plain: str) -> tuple[str, str, str]:
    """Divide a URL into what stands before its host, the host, and the rest; anything else is all host."""
    match = re.match(r"([a-z]+://)([^/?#]*)(.*)", plain, re.IGNORECASE | re.DOTALL)
    return (match[1], match[2], match[3]) if match else ("", plain, "")


def _fits_articles(text: str, spans: Sequence[Span], old: str, new: str) -> bool:
    """Ask for the same kind of first letter after "a" or "an"; a name that takes "the" has few like it."""
    before = [text[max(0, span.start - 5) : span.start].lower() for span in spans]
    if any(re.search(r"\bthe $", words) for words in before):
        return False
    if not any(re.search(r"\ban? $", words) for words in before):
        return True
    return (old[:1].lower() in "aeiou") == (new[:1].lower() in "aeiou")


def _is_name_like(name: str) -> bool:
    """Tell names from phrases: short, and in Latin script with a capital or a digit."""
    if len(name) > _LONGEST_NAME or len(name.split()) > 4:
        return False
    if _script(name) == "zh":
        return len(name) <= 12
    return any(character.isupper() or character.isdigit() for character in name)


def _script(name: str) -> Script:
    has_han, has_latin = bool(_HAN.search(name)), bool(_LATIN.search(name))
    return "mixed" if has_han and has_latin else "zh" if has_han else "latin"
