"""The tolerant reader: what an answer of an unconstrained or foreign model means, and each fault that was mended.

Knows nothing about the model, the text it read, or the ontology. The strict reader (parsing) always goes first;
nothing here changes what counts as a strictly parsed answer. A cut graph ends at its last complete item.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kgtune import graph as graphs
from kgtune import salvage_items
from kgtune.graph import Graph
from kgtune.parsing import DuplicateKeyError, Parsed, loads_strict, parse_answer

_FENCE = "```"
# A number, a literal or a bare word is all that stands outside strings and punctuation.
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")|(?P<unclosed>"(?:[^"\\]|\\.)*\\?\Z)|(?P<single>'(?:[^'\\]|\\.)*')"""
    r"""|(?P<smart>[“”‘’])|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)|(?P<space>\s+)"""
    r"""|(?P<literal>(?:-?\d[\d.eE+-]*|true|false|null)(?![^\s,:\[\]{}]))|(?P<word>[^\s"“”‘’,:\[\]{}]+)""",
    re.DOTALL,
)
_GOOD_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+"')
_PAIRS = {"{": "}", "[": "]"}
_STARTS = frozenset({"string", "single", "literal", "word", "open"})
_ENDS = frozenset({"string", "single", "literal", "word", "close"})
_WRAPPER_DEPTH = 3  # {"output": "{...}"}: a key, a string, the graph; what is deeper is no answer to our prompt


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read. `faults` counts by kind what stood in the way; it is empty for a strict graph only.

    `graph` is None when nothing of it could be read.
    """

    graph: Graph | None
    faults: Counter[str] = field(default_factory=Counter)


def read(answer: str, *, default_confidence: float = 0.9) -> Reading:
    """Read an answer strictly, else mended: fence and prose off, cut at the last whole item, syntax repaired."""
    if isinstance(parsed := parse_answer(answer), Parsed):
        return Reading(parsed.graph)
    if parsed.reason == "empty":
        return Reading(None, Counter({"empty": 1}))
    faults: Counter[str] = Counter()
    value = _value(answer, faults)
    if value is None and not faults:
        faults["not_object"] += 1  # the answer is the word null
    graph = None if value is None else _graph(value, faults, default_confidence)
    faults = +faults  # without the kinds that were counted zero times
    assert faults, answer
    return Reading(graph, faults)


def _value(answer: str, faults: Counter[str]) -> Any | None:
    """Find the JSON value in an answer and parse it, noting every fault of its syntax."""
    try:
        return loads_strict(answer.strip())
    except DuplicateKeyError:
        faults["duplicate_key"] += 1
        return _repaired(answer)
    except (ValueError, RecursionError):
        pass
    start = _start(answer)
    if start is None:
        faults["code_fence" if _FENCE in answer else "not_json"] += 1
        return None
    scan = _scan(answer, start)
    faults.update(scan.faults)
    _note_surroundings(answer[:start], answer[scan.end :] if scan.end is not None else "", faults)
    if scan.end is None:
        faults["cut_off"] += 1
        core = scan.salvaged
    else:
        core = answer[start : scan.end]
    value = _parsed(core, faults) if core else None
    if not faults:
        faults["not_json"] += 1
    return value


def _parsed(core: str, faults: Counter[str]) -> Any | None:
    try:
        return loads_strict(core)
    except DuplicateKeyError:
        faults["duplicate_key"] += 1
    except (ValueError, RecursionError):
        if not faults.keys() - {"prose_around", "code_fence", "cut_off"}:
            faults["not_json"] += 1
    return _repaired(core)


def _repaired(core: str) -> Any | None:
    import json_repair  # only a broken answer needs it

    try:
        value = json_repair.loads(core)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _start(answer: str) -> int | None:
    """Find where the value begins: the first brace, or the bracket right before it; "[]" alone is a value, too."""
    brace = answer.find("{")
    if brace < 0:
        return answer.index("[") if re.search(r"\[\s*\]", answer) else None
    before = answer[:brace].rstrip()
    return len(before) - 1 if before.endswith("[") else brace


def _note_surroundings(before: str, behind: str, faults: Counter[str]) -> None:
    if _FENCE in before or _FENCE in behind:
        faults["code_fence"] += 1
    unfenced = re.sub(rf"{_FENCE}[A-Za-z]*", "", before), behind.replace(_FENCE, "")
    if any(part.strip() for part in unfenced):
        faults["prose_around"] += 1


@dataclass(slots=True)
class _Scan:
    """The value that starts somewhere in a text: where it ends (None: it does not), and its faults on the way."""

    end: int | None = None
    salvaged: str = ""
    faults: Counter[str] = field(default_factory=Counter)


def _scan(text: str, start: int) -> _Scan:
    scan = _Scan()
    stack: list[str] = []
    before = ""
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or ""
        if kind == "space":
            continue
        _note_faults(kind, match[0], before, scan.faults)
        if kind == "open":
            stack.append(match[0])
        elif kind == "close":
            if not stack or _PAIRS[stack.pop()] != match[0]:
                scan.faults["not_json"] += 1
            if not stack:
                scan.end = match.end()
                return scan
            if match[0] == "}" and stack[-1] == "[" and len(stack) <= 3:  # an item, maybe below a wrapper
                scan.salvaged = text[start : match.end()] + "".join(_PAIRS[one] for one in reversed(stack))
        before = kind
    return scan


def _note_faults(kind: str, token: str, before: str, faults: Counter[str]) -> None:
    if kind == "string" and not _GOOD_STRING.fullmatch(token):
        faults["bad_escape"] += 1
    if kind in ("single", "smart") or (kind == "colon" and before == "word"):
        faults["quotes"] += 1
    elif kind == "close" and before == "comma":
        faults["trailing_comma"] += 1
    elif kind in _STARTS and before in _ENDS:
        # A word beside a string is the rest of a string that a quote inside it has ended; else a comma is missing.
        faults["quotes" if "word" in (kind, before) else "not_json"] += 1


def _graph(value: Any, faults: Counter[str], default_confidence: float) -> Graph | None:
    root = _unwrapped(value, faults, _WRAPPER_DEPTH)
    if root is None:
        return None
    mended = salvage_items.Mending(faults, default_confidence)
    lists = {key: _list(root, key, faults) for key in ("entities", "relationships")}
    if None in lists.values() or not any(isinstance(root.get(key), list | str) for key in lists):
        return None  # an empty graph would be made out of nothing
    faults["extra_key"] += len(root.keys() - {"entities", "relationships"})
    entities = [one for item in lists["entities"] or () if (one := mended.entity(item))]
    ends = salvage_items.Ends(entities)
    relationships = [one for item in lists["relationships"] or () if (one := mended.relationship(item, ends))]
    graph, problems = graphs.from_object({"entities": entities, "relationships": relationships})
    assert graph is not None, problems
    return graph


def _list(root: Mapping[str, Any], key: str, faults: Counter[str]) -> list[Any] | None:
    """Return one of the two lists; null and a missing one are empty, anything else can't be read."""
    value = root.get(key)
    if key not in root:
        faults["missing_key"] += "cut_off" not in faults
        return []
    if isinstance(value, str):
        value = _nested(value, faults)
        return value if isinstance(value, list) else None
    if isinstance(value, list):
        return value
    faults["wrong_type"] += 1
    return [] if value is None else None


def _unwrapped(value: Any, faults: Counter[str], depth: int) -> Mapping[str, Any] | None:
    """Find the object with the two lists: at the root, in an array, in a string, or one key further down."""
    if depth == 0:
        return None
    if isinstance(value, str):
        return _unwrapped(_nested(value, faults), faults, depth - 1)
    if isinstance(value, list):
        faults["array_root"] += 1
        if len(value) == 1 and isinstance(value[0], dict) and value[0].keys() & {"entities", "relationships"}:
            return _unwrapped(value[0], faults, depth - 1)
        return salvage_items.sorted_out(value)
    if not isinstance(value, dict):
        faults["not_object"] += 1
        return None
    if value.keys() & {"entities", "relationships"}:
        return value
    faults["missing_key"] += 1
    if len(value) == 1:
        return _unwrapped(next(iter(value.values())), faults, depth - 1)
    return None


def _nested(text: str, faults: Counter[str]) -> Any:
    """Read JSON that was written into a string."""
    faults["wrong_type"] += 1
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
