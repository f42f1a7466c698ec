"""The kinds of documents, from prose to tables, and the choice among them.

Knows nothing about files, splits or seeds: the random source, the language and the fold are arguments.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from kgtune.demo import names
from kgtune.demo.drafting import BINARY, RELATIONS, Draft, phrasebook
from kgtune.demo.names import Fold, Lang
from kgtune.demo.sentences import PLAIN, choose_cast, filler, next_relation, paragraph, sentence, several_sentences

_LISTED = ("use", "own", "attack", "strike", "employ", "implement", "contact", "tactic")
# Each card line states one fact about an earlier line: (slot, relation).
_CARD_LINES = (
    ("event", "launch"),
    ("tool", "use"),
    ("asset", "contact"),
    ("technique", "implement"),
    ("target", "attack"),
)


def _prose(draft: Draft, modes: tuple[str, ...] = ("plain",) * 15 + ("hedged",), *, anaphora: float = 0.25) -> str:
    count = draft.rng.choices((1, 2, 3, 4, 5), weights=(38, 44, 18, 0, 0) if draft.is_short else (8, 20, 34, 24, 14))[0]
    parts = several_sentences(draft, count, lambda: draft.rng.choice(modes), anaphora=anaphora)
    if draft.rng.random() < 0.15:
        parts.insert(0, filler(draft))
    return paragraph(draft, parts)


def _sections(draft: Draft) -> str:
    paragraphs = [draft.piece("heading")] if draft.rng.random() < 0.8 else []
    paragraphs += [
        paragraph(
            draft, several_sentences(draft, draft.rng.choice((1,) if draft.is_short else (1, 2, 3)), lambda: "plain")
        )
        for _ in range(draft.rng.choice((2,) if draft.is_short else (2, 2, 3)))
    ]
    return "\n\n".join(part for part in paragraphs if part)  # a document with enough names writes no more


def _bullets(draft: Draft) -> str:
    """Write a lead that names the source and one line per target."""
    relation = draft.rng.choice(_LISTED)
    _, source, target = RELATIONS[relation][0]
    root = draft.introduce(source)
    lines = [draft.piece(f"lead_{relation}").format(**{source: root})]
    mark = draft.rng.choice(("- ", "* ", "• "))
    for _ in range(draft.rng.choice((2, 2, 3) if draft.is_short else (2, 2, 3, 3, 4))):
        if relation == "own" and draft.rng.random() < 0.12:
            name = names.file_hash(draft.rng)
            draft.slots[name] = target
        else:
            name = draft.introduce(target)
        lines.append(mark + name)
        draft.state(relation, {source: [root], target: [name]}, lines[-1], PLAIN)
    return _with_prose(draft, "\n".join(lines))


def _with_prose(draft: Draft, block: str) -> str:
    """Sometimes let a sentence follow a list or table."""
    if draft.rng.random() < (0.1 if draft.is_short else 0.35):
        return f"{block}\n\n{paragraph(draft, several_sentences(draft, 1, lambda: 'plain'))}".rstrip()
    return block


def _table(draft: Draft) -> str:
    relation = draft.rng.choice(BINARY)
    header = draft.piece(f"table_{relation}").split("/")
    lead = draft.piece("table_lead")
    rule = draft.rng.choice(("|---|---|", "| --- | --- |"))
    lines = [lead, ""] if lead else []
    lines += [f"| {header[0]} | {header[1]} |", rule]
    for _ in range(draft.rng.choice((1, 2) if draft.is_short else (1, 2, 2, 3))):
        cast = choose_cast(draft, relation)
        (source,), (target,) = cast[RELATIONS[relation][0][1]], cast[RELATIONS[relation][0][2]]
        lines.append(f"| {source} | {target} |")
        draft.state(relation, cast, lines[-1], PLAIN)
    return _with_prose(draft, "\n".join(lines))


def _steps(draft: Draft) -> str:
    lines = [draft.piece("step_lead")]
    for number in range(1, draft.rng.choice((2,) if draft.is_short else (2, 3, 3, 4)) + 1):
        first_fact = len(draft.facts)
        lines.append(f"{number}. {sentence(draft, next_relation(draft))}")
        draft.facts[first_fact:] = [(*fact[:3], lines[-1], fact[4]) for fact in draft.facts[first_fact:]]
    return "\n".join(lines)


def _card(draft: Draft) -> str:
    """Write "label: value" lines about one actor."""
    colon = ": " if draft.lang == "en" else "："
    roots = {"actor": draft.introduce("actor")}
    lines = [f"{draft.piece('card_actor')}{colon}{roots['actor']}"]
    for slot, relation in _CARD_LINES:
        source = RELATIONS[relation][0][1]
        if source in roots and (slot == "tool" or draft.rng.random() < (0.3 if draft.is_short else 0.5)):
            roots[slot] = draft.introduce(slot)
            lines.append(f"{draft.piece(f'card_{slot}')}{colon}{roots[slot]}")
            draft.state(relation, {source: [roots[source]], slot: [roots[slot]]}, lines[-1], PLAIN)
    return "\n".join(lines)


def _negation(draft: Draft) -> str:
    count = draft.rng.choice((0, 1) if draft.is_short else (0, 1, 1, 2, 2))
    parts = several_sentences(draft, count, lambda: "plain")
    denied = sentence(draft, next_relation(draft, BINARY), "negated")
    parts.insert(len(parts), denied)
    return paragraph(draft, parts)


def _empty(draft: Draft) -> str:
    """Write a text with nothing to extract: everyday matters or general security talk."""
    role = "easy" if draft.rng.random() < 0.4 else "security"
    choices = draft.book.pieces[f"{role}_held_out" if draft.book.suffix else role]
    stop = "." if draft.lang == "en" else "。"
    sentences = [draft.filled(piece) + stop for piece in draft.rng.sample(choices, draft.rng.randint(1, 4))]
    if draft.rng.random() < 0.12:
        text = "\n".join(f"- {sentence}" for sentence in sentences)
    else:
        text = paragraph(draft, sentences)
    return f"{draft.piece('heading')}\n\n{text}" if draft.rng.random() < 0.15 else text


KINDS: dict[str, tuple[int, Callable[[Draft], str]]] = {
    "empty": (12, _empty),
    "prose": (23, _prose),
    "sections": (11, _sections),
    "bullets": (12, _bullets),
    "table": (9, _table),
    "steps": (7, _steps),
    "card": (5, _card),
    "negation": (8, _negation),
    "hedged": (7, lambda draft: _prose(draft, ("hedged", "hedged", "plain"))),
    "continuation": (6, lambda draft: _prose(draft, ("plain",), anaphora=0.8)),
    "codeswitch": (5, _prose),
}


def compose(rng: random.Random, lang: Lang, fold: Fold, *, is_short: bool) -> tuple[str, str, Draft]:
    """Write one document: its kind, its text and the draft that holds its names and facts."""
    kind = rng.choices(tuple(KINDS), weights=[weight for weight, _ in KINDS.values()])[0]
    if kind == "codeswitch" and lang == "en":
        kind = "prose"
    held_out = fold in ("validation", "test")
    draft = Draft(rng, lang, fold, phrasebook(lang, held_out=held_out), foreign_tools=kind == "codeswitch")
    draft.is_short = is_short
    return kind, KINDS[kind][1](draft), draft
