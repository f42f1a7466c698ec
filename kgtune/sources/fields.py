"""From one item's raw values to a Graph: spellings that people use are read, anything else is a problem.

Knows nothing about files or shapes; a caller gives the items, the place they stand, and the findings to add to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from kgtune.graph import HALF_CHARACTER, Entity, Graph, Relationship
from kgtune.grounding import match_key
from kgtune.sources.findings import Findings

ENTITY_KEYS = frozenset({"labels", "label", "type", "id", "name", "description", "chunks_info", "review"})
RELATIONSHIP_KEYS = frozenset({"type", "source", "target", "confidence", "evidence", "chunks_info", "id", "review"})
# `review` is what an export marks for a person; by then it has done its work.
# STIX 2.1 appendix A: None / Low / Med / High as 0, 15, 50, 85.
_CONFIDENCE_WORDS = {"high": 0.85, "medium": 0.5, "med": 0.5, "low": 0.15, "高": 0.85, "中": 0.5, "低": 0.15}


def clean(value: str) -> str:
    """Normalise a stored string: line ends to LF, NFC. Lossless for what a reader sees."""
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def string(item: Mapping[str, Any], key: str, where: str, findings: Findings, *, required: bool) -> str | None:
    """Read a string, cleaned; None where a required one is missing, of another type, or empty."""
    value = item.get(key)
    if type(value) is str and value.isascii() and "\r" not in value and (not required or value.strip()):
        return value  # nine of ten strings, and the time of reading is spent here
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        what = f'"{key}" is missing.' if value is None else f'"{key}" is {value!r}, not a string.'
        findings.problem("E-MISSING-KEY" if value is None else "E-TYPE", where, what, f'Give "{key}" as a string.')
        return None
    if not value.isascii() and HALF_CHARACTER.search(value):
        findings.problem("E-SURROGATE", where, f'"{key}" holds half of a surrogate pair.', "Write the whole character.")
        return None
    if required and not value.strip():
        findings.problem("E-EMPTY-VALUE", where, f'"{key}" is empty.', "Write it out, or leave the whole item out.")
        return None
    return clean(value)


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
        findings.problem("E-CONFIDENCE", where, f"confidence is {value!r}.", "Give a number from 0 to 1.")
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


def graph(
    entities: Sequence[tuple[str, object]],
    relationships: Sequence[tuple[str, object]],
    default_confidence: float,
    findings: Findings,
) -> Graph | None:
    """Build a graph from (where, raw item) pairs; None when any of them is a problem."""
    before = len(findings.problems)
    read = _merged([e for e in (entity(item, where, findings) for where, item in entities) if e], findings)
    ends = Ends(read)
    edges = [relationship(item, where, ends, default_confidence, findings) for where, item in relationships]
    if len(findings.problems) > before:
        return None
    return Graph(tuple(e for _, e in read), distinct([edge for edge in edges if edge], findings))


def entity(item: object, where: str, findings: Findings) -> tuple[str, Entity] | None:
    """Read one entity; `labels` may be a string, a list, or stand under `label` or `type`."""
    if not isinstance(item, dict):
        findings.problem("E-TYPE", where, f"is {type(item).__name__}, not an object.", "Give labels, id and name.")
        return None
    _note_extra(item, ENTITY_KEYS, "entity", findings)
    label = _label(item, where, findings)
    name = string(item, "name", where, findings, required=True)
    description = string(item, "description", where, findings, required=False)
    if label is None or name is None or description is None:
        return None
    identity = _identity(item, name, where, findings)
    return (where, Entity(label, identity, name.strip(), description.strip())) if identity else None


def _label(item: Mapping[str, Any], where: str, findings: Findings) -> str | None:
    value = item.get("labels") or item.get("label") or item.get("type")
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        findings.repaired("F-LABELS", where, f"labels is a list: {value!r}.")
        if len(value) > 1:
            findings.note("several labels, first taken")
        value = value[0]
    if not isinstance(value, str) or not value.strip():
        findings.problem("E-LABEL", where, f"labels is {value!r}.", "Give one label as a string.")
        return None
    return clean(value).strip()


def _identity(item: Mapping[str, Any], name: str, where: str, findings: Findings) -> str | None:
    """Take the id; an item without one is known by its name, which its relationships may then point to."""
    value = item.get("id")
    if value is None:
        findings.note("entity without an id, its name taken")
        return name.strip()
    if type(value) is int:
        return str(value)
    found = string(item, "id", where, findings, required=True)
    if found is not None and found != found.strip():
        findings.repaired("F-ID", where, f"id {found!r} has white space around it.")
        findings.note("id trimmed")
    return found.strip() if found is not None else None


def _merged(read: list[tuple[str, Entity]], findings: Findings) -> list[tuple[str, Entity]]:
    """Merge what was given twice with one id; the same id for two different things is a problem."""
    kept: dict[str, tuple[str, Entity]] = {}
    for where, one in read:
        if one.id not in kept:
            kept[one.id] = (where, one)
            continue
        first_where, first = kept[one.id]
        if (first.labels, match_key(first.name)) == (one.labels, match_key(one.name)):
            findings.note("entity given twice, merged")
            continue
        what = (
            f'id "{one.id}" is "{one.name}" ({one.labels}) here and "{first.name}" ({first.labels}) at {first_where}.'
        )
        findings.problem("E-DUPLICATE-ID", where, what, "Give each entity its own id.")
    return list(kept.values())


class Ends:
    """The entity ids a relationship may point to, with a name as a second way to say it."""

    def __init__(self, entities: Sequence[tuple[str, Entity]]) -> None:
        self._entities = entities
        self.known = {one.id for _, one in entities}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        by_name: dict[str, list[str]] = {}
        for _, one in self._entities:
            by_name.setdefault(match_key(one.name), []).append(one.id)
        return by_name

    def resolve(self, value: str, findings: Findings) -> str | None:
        """Return the id that `value` means: an id, an id but for white space, or a name that is unique."""
        if (trimmed := value.strip()) in self.known:
            return trimmed
        same_name = self._by_name.get(match_key(value), [])
        if len(same_name) == 1:
            findings.note("relationship end given as a name, resolved")
            return same_name[0]
        return None

    def hint(self, value: str) -> str:
        """Say which ids there are, the nearest one first."""
        from rapidfuzz import process

        ids = [one.id for _, one in self._entities]
        best = process.extractOne(value, ids, score_cutoff=60)
        nearest = f' Did you mean "{best[0]}"?' if best else ""
        shown = ", ".join(ids[:12]) + (f" and {len(ids) - 12} more" if len(ids) > 12 else "")
        return f"Known ids: {shown or 'none'}.{nearest}"


def relationship(
    item: object, where: str, ends: Ends, default_confidence: float, findings: Findings
) -> Relationship | None:
    """Read one relationship; both ends must be known."""
    if not isinstance(item, dict):
        findings.problem("E-TYPE", where, f"is {type(item).__name__}, not an object.", "Give type, source and target.")
        return None
    _note_extra(item, RELATIONSHIP_KEYS, "relationship", findings)
    kind = string(item, "type", where, findings, required=True)
    evidence = string(item, "evidence", where, findings, required=False)
    value = confidence(item.get("confidence"), default_confidence, where, findings)
    resolved: list[str] = []
    for end in ("source", "target"):
        given = item.get(end)
        if type(given) is str and given in ends.known:
            resolved.append(given)
            continue
        text = str(given) if type(given) is int else string(item, end, where, findings, required=True)
        if text is None:
            continue
        known = ends.resolve(text, findings)
        if known is None:
            what = f'relationship "{kind}" points to unknown entity "{text}". {ends.hint(text)}'
            findings.problem("E-DANGLING", f"{where}.{end}", what, f"Fix the {end} or add the entity.")
        else:
            resolved.append(known)
    if kind is None or evidence is None or value is None or len(resolved) < 2:
        return None
    return Relationship(kind.strip(), resolved[0], resolved[1], value, evidence.strip())


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


def _note_extra(item: Mapping[str, Any], known: frozenset[str], kind: str, findings: Findings) -> None:
    if item.keys() <= known:
        return
    for key in item:
        if key not in known:
            findings.note(f"{kind} key ignored: {key}")
