"""Other names that a document gives an entity: "Vexa (also known as Tidal Fox)", 雾隼（又称潮狐）.

Knows nothing about what is done with them. A second name that can't be told for certain is reported as doubt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from kgtune.augmentation.editing import Document
from kgtune.augmentation.tables.common_words import COMMON_WORDS
from kgtune.graph import Entity
from kgtune.grounding import match_key

LONGEST_NAME = 40
_HAN = re.compile("[\u3400-\u9fff]")
_LATIN = re.compile("[A-Za-z]")
_MARKER = re.compile(
    r"(?:also\s+(?:known|tracked|called|referred\s+to)(?:\s+as)?|a\.?k\.?a\.?|alias(?:es)?|"
    r"又称|又名|别名|亦称|也称|也被称|又被称)\s*(?:为|是|as)?\s*[:：]?\s*",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:[,，、/;；]|\band\b|\bor\b|和|或|及)\s*", re.IGNORECASE)
_END_OF_LIST = re.compile(r"[.。;；)）\]】\n!?！？]")
# Behind a name outside brackets, the list ends where its capitals do: ", also known as Tidal Fox, used".
_LATIN_NAME = re.compile(r"[\"'“‘]?((?:[A-Z0-9][\w-]*)(?:\s+[A-Z0-9][\w-]*){0,3})")
_HAN_NAME = re.compile("[\"'“‘]?([\u3400-\u9fffA-Za-z0-9-]{2,12})")
_BRACKETS = re.compile(r"\s?[(（]\s*([^()（）\n]{1,80})[)）]")
_COMMA = re.compile(r"\s*[,，]?\s*")
_QUOTES = "\"'“”‘’「」《》 \t"


def is_name_like(name: str) -> bool:
    """Tell names from phrases and common words: short, whole, and in Latin script with a capital or a digit."""
    if len(name) > LONGEST_NAME or len(name.split()) > 4 or name.casefold() in COMMON_WORDS:
        return False
    if not name[:1].isalnum() or not (name[-1:].isalnum() or name[-1:] in ")）"):
        return False
    if _HAN.search(name) and not _LATIN.search(name):
        return len(name) <= 12
    return any(character.isupper() or character.isdigit() for character in name)


def aliases_of(document: Document, entity: Entity) -> list[str] | None:
    """List the entity's unannotated other names that stand in the text; None where there may be one in doubt."""
    annotated = {match_key(other.name) for other in document.graph.entities}
    found: dict[str, None] = {}
    for start, end in document.mentions[entity.id]:
        names = _told_behind(document.text, end, annotated)
        if names is None or _follows_a_stranger(document, start, end):
            return None
        found |= dict.fromkeys(names)
    for marker in _MARKER.finditer(entity.description):
        rest = entity.description[marker.end() :]
        stop = _END_OF_LIST.search(rest)
        found |= dict.fromkeys(_listed(rest[: stop.start()] if stop else rest))
    others = [name for name in found if match_key(name) not in annotated and document.haystack.first(name)]
    return others if all(is_name_like(name) for name in others) else None


def _told_behind(text: str, end: int, annotated: Collection[str]) -> list[str] | None:
    """Read what a mention is called right behind it; None for a strange name in brackets, which may be anything."""
    brackets = _BRACKETS.match(text, end)
    if brackets:
        inside = brackets[1].strip()
        marker = _MARKER.match(inside)
        if marker:
            return list(_listed(inside[marker.end() :]))
        is_strange = is_name_like(inside) and not inside.isdigit() and match_key(inside) not in annotated
        return None if is_strange else []
    comma = _COMMA.match(text, end)
    marker = _MARKER.match(text, comma.end() if comma else end)
    if not marker:
        return []
    name = _LATIN_NAME.match(text, marker.end()) or _HAN_NAME.match(text, marker.end())
    return [name[1]] if name else None


def _follows_a_stranger(document: Document, start: int, end: int) -> bool:
    """Tell whether the mention stands alone in brackets behind something that is not annotated."""
    text = document.text
    if text[start - 1 : start] not in ("(", "（") or text[end : end + 1] not in (")", "）"):
        return False
    before = len(text[: start - 1].rstrip())
    return not any(place[1] == before for places in document.mentions.values() for place in places)


def _listed(text: str) -> Iterator[str]:
    for part in _BETWEEN.split(text):
        name = part.strip(_QUOTES)
        if len(name) > 1:
            yield name
