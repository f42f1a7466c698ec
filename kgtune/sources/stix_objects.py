"""STIX objects, of any version and producer, as far as a graph needs them: names, ends, texts, what is withdrawn.

Knows nothing about graphs or files. Tolerant: custom properties are passed over, and a property of the wrong
type counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kgtune.sources import fields

# Objects that say something about others, or about the bundle, and are no entity themselves.
NO_ENTITIES = frozenset({"relationship", "sighting", "marking-definition", "extension-definition", "language-content",
                         "bundle", "x-mitre-matrix", "x-mitre-collection", "statement"})  # fmt: skip
REPORTS = frozenset({"report", "note"})

_NAME_KEYS = ("name", "value", "path", "key", "subject", "display_name", "account_login", "user_id", "serial_number",
              "command_line", "url", "country", "region")  # fmt: skip
_ALIAS_KEYS = ("aliases", "x_mitre_aliases", "x_opencti_aliases", "synonyms")
_HASHES = ("SHA-256", "SHA-1", "MD5")
_PATTERN_VALUE = re.compile(r"=\s*'((?:[^'\\]|\\.)+)'")
_TECHNIQUE = re.compile(r"(?:T\d{4}(?:\.\d{3})?|S\d{4}|G\d{4})\s*:\s*(?P<name>.+)")

_CITATION = re.compile(r"\s*\(Citation:[^()]*(?:\([^()]*\)[^()]*)*\)")
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(\s*<?[a-z]+:[^()\s]*(?:\([^()\s]*\)[^()\s]*)*>?(?:\s+\"[^\"\n]*\")?\s*\)")
_CODE = re.compile(r"</?(?:code|sode|coed|cide)>", re.IGNORECASE)  # the typos stand in ATT&CK
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StixObject:
    """A thing: `names` holds its name and then its aliases."""

    id: str
    type: str
    names: tuple[str, ...]
    where: str
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class StixRelationship:
    """A relationship object; `text` is its description, cleaned."""

    id: str
    type: str
    source: str
    target: str
    text: str
    confidence: float | None
    where: str
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class StixReport:
    """A report or note: a text about the objects that it refers to."""

    id: str
    text: str
    refs: tuple[str, ...]
    where: str
    is_withdrawn: bool = False


def thing(item: Mapping[str, Any], where: str) -> StixObject:
    """Read an object that can be an entity."""
    return StixObject(item["id"], item["type"], tuple(dict.fromkeys(_names(item))), where, is_withdrawn(item))


def relationship(item: Mapping[str, Any], where: str) -> StixRelationship:
    """Read a relationship object."""
    kind, source, target = (_string(item, key) for key in ("relationship_type", "source_ref", "target_ref"))
    text = plain_text(_string(item, "description"))
    return StixRelationship(item["id"], kind, source, target, text, _confidence(item), where, is_withdrawn(item))


def report(item: Mapping[str, Any], where: str) -> StixReport:
    """Read a report or a note."""
    text = plain_text(_string(item, "content" if item["type"] == "note" else "description"))
    refs = tuple(ref for ref in fields.strings(item.get("object_refs")))
    return StixReport(item["id"], text, refs, where, is_withdrawn(item))


def is_stix(value: object) -> bool:
    """Tell an object of STIX by its type and an id that begins with it."""
    if not isinstance(value, Mapping):
        return False
    kind, identity = value.get("type"), value.get("id")
    return isinstance(kind, str) and isinstance(identity, str) and identity.startswith(f"{kind}--")


def is_withdrawn(item: Mapping[str, Any]) -> bool:
    """Tell what its producer has taken back."""
    return item.get("revoked") is True or item.get("x_mitre_deprecated") is True


def plain_text(text: str) -> str:
    """Take citations, links and code marks off a description; the words stay."""
    text = _CITATION.sub("", fields.clean(text))
    text = _CODE.sub("", _BREAK.sub("\n", _LINK.sub(r"\1", _IMAGE.sub("", text))))
    return re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", re.sub(r"(?m)[ \t]+$", "", text)).strip()


def _names(item: Mapping[str, Any]) -> Iterator[str]:
    for key in _NAME_KEYS:
        if name := _string(item, key):
            if match := _TECHNIQUE.fullmatch(name):
                yield match["name"]
            yield name
    for key in _ALIAS_KEYS:
        yield from fields.strings(item.get(key))
    if item["type"] == "autonomous-system" and isinstance(item.get("number"), int):
        yield f"AS{item['number']}"
    hashes = item.get("hashes")
    if isinstance(hashes, Mapping):
        yield from (hashes[kind] for kind in _HASHES if isinstance(hashes.get(kind), str))
    if item["type"] == "indicator":
        yield from (re.sub(r"\\(.)", r"\1", value) for value in _PATTERN_VALUE.findall(_string(item, "pattern")))
    references = item.get("external_references")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, Mapping) and reference.get("source_name") in ("mitre-attack", "cve", "capec"):
            yield from fields.strings(reference.get("external_id"))


def _string(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return fields.clean(value).strip() if isinstance(value, str) else ""


def _confidence(item: Mapping[str, Any]) -> float | None:
    """Read STIX's 0 to 100, where 1 is one percent."""
    value = item.get("confidence")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
        return None
    return round(value / 100, 4)
