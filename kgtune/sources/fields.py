"""Raw values of one item -> strings, numbers, entities: spellings that people use are read, all else is a problem.

Knows nothing about files or shapes; a caller gives the items, the place they stand, and the findings to add to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from kgtune.graph import HALF_CHARACTER, Entity, Relationship
from kgtune.sources.findings import Findings
from kgtune.sources.scanner import FAULT
from kgtune.spelling import nearest

ENTITY_KEYS = frozenset({"labels", "label", "type", "id", "name", "description", "chunks_info", "review"})
RELATIONSHIP_KEYS = frozenset({"type", "source", "target", "confidence", "evidence", "chunks_info", "id", "review"})
# `review` is what an export marks for a person; by then it has done its work.
ITEM_KEYS = frozenset({"id", "doc_id", "group_id", "text", "lang", "split", "entities", "relationships"})
ROW_KEYS = frozenset({"id", "doc_id", "group_id", "input", "output", "lang", "split", "aug"})
KNOWN_KEYS = ENTITY_KEYS | RELATIONSHIP_KEYS | ITEM_KEYS | ROW_KEYS | {FAULT}
# STIX 2.1 appendix A: None / Low / Med / High as 0, 15, 50, 85.
_CONFIDENCE_WORDS = {"high": 0.85, "medium": 0.5, "med": 0.5, "low": 0.15, "高": 0.85, "中": 0.5, "低": 0.15}


def clean(value: str) -> str:
    """Normalise a stored string: line ends to LF, NFC. Lossless for what a reader sees."""
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def below(where: str, key: str) -> str:
    """Return the place of a key's value, in an item or in one of its members."""
    return f"{where}.{key}" if where.endswith("]") else f"{where}: {key}"


def string(item: Mapping[str, Any], key: str, where: str, findings: Findings, *, required: bool) -> str | None:
    """Read a string, cleaned; None where a required one is missing, of another type, or empty."""
    value = item.get(key)
    if type(value) is str and value.isascii() and "\r" not in value and (not required or value.strip()):
        return value  # nine of ten strings, and the time of reading is spent here
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        if value is None:
            missing(item, key, where, f'Give "{key}" as a string.', findings)
        else:
            what = f'"{key}" is {value!r}, not a string.'
            findings.problem("E-TYPE", below(where, key), what, f'Give "{key}" as a string.')
        return None
    if not value.isascii() and HALF_CHARACTER.search(value):
        what = f'"{key}" holds half of a surrogate pair.'
        findings.problem("E-SURROGATE", below(where, key), what, "Write the whole character.")
        return None
    if required and not value.strip():
        what = f'"{key}" is empty.'
        findings.problem("E-EMPTY-VALUE", below(where, key), what, "Write it out, or leave the whole item out.")
        return None
    return clean(value)


def missing(  # noqa: PLR0913 - a place, a key, and what is said of it
    item: Mapping[str, Any],
    key: str,
    where: str,
    fix: str,
    findings: Findings,
    *,
    lost: str = "",
    code: str = "E-MISSING-KEY",
) -> None:
    """Report a key that is not there; where another one is likely meant to be it, that one is pointed at.

    `lost` says what else could not be read for want of it.
    """
    written = nearest(key, {other for other in item if isinstance(other, str)} - KNOWN_KEYS)
    if written is None:
        findings.problem(code, below(where, key), f'"{key}" is missing{lost}.', fix)
        return
    what = f'"{key}" is missing, and a key "{written}" is not read{lost}. Did you mean "{key}"?'
    findings.problem(code, below(where, written), what, "Rename it.")


def strings(value: object) -> list[str]:
    """Return the strings of a list that are not empty, cleaned; a lone string is a list of one."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [clean(one).strip() for one in values if isinstance(one, str) and one.strip()]


def confidence(value: object, default: float, where: str, findings: Findings) -> float | None:
    """Read a confidence in any of its spellings into [0, 1]."""
    if type(value) is float and 0 <= value <= 1:
        return round(value, 4)
    if value is None or value == "":
        findings.note("confidence missing, default taken")
        return default
    number = _as_number(value)
    if number is None or number < 0 or number > 100 or 1 < number < 2:
        place = below(where, "confidence")
        findings.problem("E-CONFIDENCE", place, f"confidence is {value!r}.", "Give a number from 0 to 1.")
        return None
    if isinstance(value, str) or number > 1:
        findings.repaired("F-CONFIDENCE", where, f"confidence is written {value!r}.")
        findings.note("confidence in another spelling")
    return round(number / 100 if number > 1 else number, 4)


def _as_number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    plain = unicodedata.normalize("NFKC", value).strip().casefold()
    if plain in _CONFIDENCE_WORDS:
        return _CONFIDENCE_WORDS[plain]
    match = re.fullmatch(r"(\d{1,3}(?:[.,]\d{1,6})?)\s*(%?)", plain)
    if match is None:
        return None
    number = float(match[1].replace(",", "."))
    return number / 100 if match[2] else number


def entity(item: object, where: str, findings: Findings) -> Entity | None:
    """Read one entity; `labels` may be a string, a list, or stand under `label` or `type`.

    All that is wrong with it is told at once. It is None where it has no id; a label or name that can't be read is "".
    """
    if not isinstance(item, dict):
        what = f"is {type(item).__name__}, not an object: nothing of it could be read."
        findings.problem("E-TYPE", where, what, "Give labels, id and name.")
        return None
    note_extra(item, ENTITY_KEYS, "entity", findings)
    label = _label(item, where, findings)
    name = string(item, "name", where, findings, required=True)
    description = string(item, "description", where, findings, required=False)
    identity = _identity(item, name, where, findings)
    return Entity(label or "", identity, (name or "").strip(), (description or "").strip()) if identity else None


def id_of(item: object) -> str:
    """Return what relationships call an entity that can't be read: its id or its name, "" where it has neither."""
    given = (item.get("id"), item.get("name")) if isinstance(item, dict) else ()
    return next((str(one).strip() for one in given if type(one) in (str, int) and str(one).strip()), "")


def _label(item: Mapping[str, Any], where: str, findings: Findings) -> str | None:
    value = item.get("labels") or item.get("label") or item.get("type")
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        findings.repaired("F-LABELS", where, f"labels is a list: {value!r}.")
        if len(value) > 1:
            findings.note("several labels, first taken")
        value = value[0]
    if not isinstance(value, str) or not value.strip():
        if value is None:
            missing(item, "labels", where, "Give one label as a string.", findings, code="E-LABEL")
        else:
            what = f"labels is {value!r}."
            findings.problem("E-LABEL", below(where, "labels"), what, "Give one label as a string.")
        return None
    return clean(value).strip()


def _identity(item: Mapping[str, Any], name: str | None, where: str, findings: Findings) -> str | None:
    """Take the id; an item without one is known by its name, which its relationships may then point to."""
    value = item.get("id")
    if value is None:
        if name is None:
            return None
        findings.note("entity without an id, its name taken")
        return name.strip()
    if type(value) is int:
        return str(value)
    found = string(item, "id", where, findings, required=True)
    if found is not None and found != found.strip():
        findings.repaired("F-ID", where, f"id {found!r} has white space around it.")
        findings.note("id trimmed")
    return found.strip() if found is not None else None


def distinct(edges: Sequence[Relationship], findings: Findings) -> tuple[Relationship, ...]:
    """Merge equal triples with equal or no evidence, keeping the higher confidence."""
    kept: dict[tuple[str, str, str, str], Relationship] = {}
    for edge in edges:
        key = (edge.type, edge.source, edge.target, edge.evidence)
        if key in kept:
            findings.note("relationship given twice, merged")
        if key not in kept or kept[key].confidence < edge.confidence:
            kept[key] = edge
    return tuple(kept.values())


def note_extra(item: Mapping[str, Any], known: frozenset[str], kind: str, findings: Findings) -> None:
    """Count the keys that are not read."""
    if item.keys() <= known:
        return
    for key in item:
        if key not in known:
            findings.note(f"{kind} key ignored: {key}")
