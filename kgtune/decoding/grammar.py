"""The language of answers: which graphs a model may write about one text, as an llguidance grammar.

Knows nothing about models, prompts or torch. A client never supplies any of it: labels and types are the
ontology's, the rest is the model's contract.

The grammar lets through the canonical text of a graph (graph.dumps) and nothing else: keys in their order, no
optional white space, ids e1..eN in order, source and target among the ids already written. The number of
entities travels through the rules as their parameter (`::_`), so that one grammar knows which ids exist. What
must be verbatim is a run of the text's words in its JSON spelling: a part of a word is no name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from kgtune import grounding

_SKELETON = r"""
start: "{\"entities\":[" entities
entities: "],\"relationships\":[]}" | entity::1
entity::_ : "{\"labels\":\"" named::_ "\",\"description\":\"" description "\"}" next::_
relationship::_ : "{\"type\":\"" type "\",\"source\":\"" end::_ "\",\"target\":\"" end::_ "\",\"confidence\":" CONFIDENCE ",\"evidence\":\"" EVIDENCE "\"}" more::_
more::_ : "," relationship::_ | "]}"
CONFIDENCE: /0\.(0|[1-9]|[0-9][1-9])|1\.0/
"""  # noqa: E501 - one rule a line
_EMPTY_ONLY = r'start: "{\"entities\":[],\"relationships\":[]}"'

# One character of a string as json.dumps(ensure_ascii=False) writes it: each character has one spelling.
_CHARACTER = r'([^"\\\x00-\x1f]|\\["\\bfnrt]|\\u00(0[0-7bef]|1[0-9a-f]))'
# A name starts with what is no white space (str.isspace): readers strip names, and the contract has no empty ones.
_FIRST = r'([^\s"\\\x00-\x1f]|\\["\\b]|\\u00(0[0-7ef]|1[0-9ab]))'


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every answer of a model; with a text it becomes a grammar.

    `is_closed`: ids are e1..eN and references are among them; without it only the JSON shape holds. Names of
    `verbatim_labels`, and evidence where `is_evidence_verbatim`, must stand in the text.
    """

    labels: tuple[str, ...]
    types: tuple[str, ...]
    is_closed: bool = True
    verbatim_labels: frozenset[str] = frozenset()
    is_evidence_verbatim: bool = False
    has_descriptions: bool = True
    max_entities: int = 128
    max_name_chars: int = 200
    max_evidence_chars: int = 1000


def lark(rules: Rules, text: str, *, max_entities: int | None = None) -> str:
    """Write the grammar of the answers about `text`, spelled as the prompt shows it.

    A lower `max_entities` than the rules' makes the grammar that ends the list of entities there.
    """
    limit = rules.max_entities if max_entities is None else max_entities
    named = _named(rules, text)
    if not named or limit < 1:
        return _EMPTY_ONLY
    last = r'"],\"relationships\":[" relationships::_' if rules.types else r'"],\"relationships\":[]}"'
    lines = [
        f"named::_ : {' | '.join(named)}",
        f'next::_ : "," entity::incr(_) %if lt(_, {limit}) | {last}',
        f"relationships::_ : {'relationship::_ | ' if rules.types else ''}" + '"]}"',
        f"type: {_choice(rules.types)}",
        f"description: {'DESCRIPTION' if rules.has_descriptions else chr(34) * 2}",
        *_references(rules, limit),
        *_strings(rules, text),
    ]
    return _SKELETON + "\n".join(lines) + "\n"


def _named(rules: Rules, text: str) -> list[str]:
    """The ways to write label, id and name: the label decides whether the name is verbatim."""
    verbatim = [label for label in rules.labels if label in rules.verbatim_labels]
    free = [label for label in rules.labels if label not in rules.verbatim_labels]
    ways = [f"({_choice(free)}) id::_ NAME"] if free else []
    if verbatim and text.strip():
        ways.append(f"({_choice(verbatim)}) id::_ VERBATIM_NAME")
    return ways


def _references(rules: Rules, limit: int) -> list[str]:
    if not rules.is_closed:
        # a condition that always holds: a rule that is given the number must use it
        return [r'id::_ : "\",\"id\":\"" NAME "\",\"name\":\"" %if ge(_, 1)', "end::_ : NAME %if ge(_, 1)"]
    ids = " | ".join(rf'"\",\"id\":\"e{n}\",\"name\":\"" %if eq(_, {n})' for n in range(1, limit + 1))
    ends = " | ".join(f'"e{n}" %if ge(_, {n})' for n in range(1, limit + 1))
    return [f"id::_ : {ids}", f"end::_ : {ends}"]


def _strings(rules: Rules, text: str) -> list[str]:
    """The terminals. A bound on a verbatim string costs nothing here, and one on a free string ends a loop."""
    name = f"/{_FIRST}{_CHARACTER}{{0,{rules.max_name_chars - 1}}}/"
    evidence = f"/{_CHARACTER}{{0,{rules.max_evidence_chars}}}/"
    lines = [f"NAME: {name}", f"DESCRIPTION: {evidence}"]
    if rules.verbatim_labels or rules.is_evidence_verbatim:
        chunks = spelled(text, rules.max_name_chars)
        lines.append(f"VERBATIM: %regex {json.dumps({'substring_chunks': chunks}, ensure_ascii=False)}")
        lines.append(f"VERBATIM_NAME: VERBATIM & {name}")
    lines.append(f"EVIDENCE: {'VERBATIM & ' if rules.is_evidence_verbatim else ''}{evidence}")
    return lines


def spelled(text: str, longest: int) -> list[str]:
    """Each word of the text as it is spelled inside a JSON string; one that is longer than a name, by characters."""
    words = (piece for word in grounding.words(text) for piece in ([word] if len(word) <= longest else word))
    return [_in_json(word) for word in words]


def _choice(names: Sequence[str]) -> str:
    return " | ".join(json.dumps(_in_json(name), ensure_ascii=False) for name in names)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
