"""How a document is put together from frames, background and names; knows every kind of document and its exact facts.

Knows nothing about files, splits or seeds: the random source, the language and the fold are arguments.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache

from kgtune.demo import background_en, background_zh, frames_en, frames_zh, names
from kgtune.demo.names import Fold, Lang

LABELS = {
    "actor": "ThreatOrganization", "event": "AttackEvent", "tool": "Tool", "technique": "Technique",
    "target": "Target", "report": "Report", "tactic": "Tactic", "procedure": "Procedure", "asset": "Asset",
}
# What a frame of each relation states: (type, source slot, target slot).
RELATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "launch": (("LAUNCH", "actor", "event"),),
    "strike": (("ATTACK", "event", "target"),),
    "attack": (("ATTACK", "actor", "target"),),
    "use": (("USE", "actor", "tool"),),
    "employ": (("USE", "event", "tool"),),
    "own": (("HAS", "actor", "asset"),),
    "contact": (("USE", "tool", "asset"),),
    "implement": (("IMPLEMENT", "tool", "technique"),),
    "tactic": (("HAS", "tactic", "technique"),),
    "report": (("BELONG", "report", "event"),),
    "procedure": (("USE", "procedure", "tool"),),
    "launch_strike": (("LAUNCH", "actor", "event"), ("ATTACK", "event", "target")),
    "use_attack": (("USE", "actor", "tool"), ("ATTACK", "actor", "target")),
    "use_contact": (("USE", "actor", "tool"), ("USE", "tool", "asset")),
    "use_implement": (("USE", "actor", "tool"), ("IMPLEMENT", "tool", "technique")),
    "report_launch": (("BELONG", "report", "event"), ("LAUNCH", "actor", "event")),
}
_WEIGHTS = dict(zip(RELATIONS, (10, 8, 10, 12, 7, 7, 8, 7, 6, 6, 5, 3, 3, 2, 2, 2), strict=True))
_BINARY = tuple(relation for relation, facts in RELATIONS.items() if len(facts) == 1)
_LISTED = ("use", "own", "attack", "strike", "employ", "implement", "contact", "tactic")
_ENUMERATED = ("use", "own", "attack", "strike", "employ", "implement", "tactic")
# Each card line states one fact about an earlier line: (slot, relation).
_CARD_LINES = (("event", "launch"), ("tool", "use"), ("asset", "contact"), ("technique", "implement"), ("target", "attack"))
_LOWER_PHRASES = ("technique", "tactic")
_MONTHS_EN = "January February March April May June July August September October November December".split()
_DAYS_EN = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_DAYS_ZH = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_ENOUGH_NAMES = 7
_PLAIN, _MODERATE, _HEDGED = 0.95, 0.8, 0.6


@dataclass(frozen=True)
class Frame:
    """A core template with its id; `startable` says that an opener or a denial can stand before it."""

    id: str
    template: str
    startable: bool


@dataclass(frozen=True)
class Phrasebook:
    """All wording of one language on one side of the held-out line."""

    frames: dict[str, tuple[Frame, ...]]
    pieces: dict[str, tuple[str, ...]]
    suffix: str


@dataclass
class Draft:
    """A document in the making: its lines, the names introduced so far and the facts stated so far."""

    rng: random.Random
    lang: Lang
    fold: Fold
    book: Phrasebook
    foreign_tools: bool = False
    slots: dict[str, str] = field(default_factory=dict)
    facts: list[tuple[str, str, str, str, float]] = field(default_factory=list)
    pairs: set[tuple[str, str]] = field(default_factory=set)
    frames: list[str] = field(default_factory=list)

    def of(self, slot: str) -> list[str]:
        return [name for name, kind in self.slots.items() if kind == slot]

    def introduce(self, slot: str) -> str:
        """Draw a new name that neither contains nor is contained in an earlier one."""
        lang: Lang = "en" if self.foreign_tools and slot in ("tool", "actor") else self.lang
        while True:
            name = names.draw(self.rng, slot, lang, self.fold)
            folded = name.casefold()
            if not any(folded in other.casefold() or other.casefold() in folded for other in self.slots):
                self.slots[name] = slot
                return name

    def piece(self, role: str) -> str:
        """Pick a piece of background for a role, fill its dates and numbers, and record it where it is a frame."""
        held_out = f"{role}_held_out"
        role = held_out if self.book.suffix and held_out in self.book.pieces else role
        choices = self.book.pieces[role]
        index = self.rng.randrange(len(choices))
        if role.startswith(("lead_", "table_", "negation")):
            self.frames.append(f"{self.lang}.{role}.{index:02d}")
        return choices[index]

    def filled(self, piece: str) -> str:
        return fill(self.rng, self.lang, piece)

    def state(self, relation: str, cast: dict[str, list[str]], evidence: str, confidence: float) -> None:
        for kind, source, target in RELATIONS[relation]:
            for source_name in cast[source]:
                for target_name in cast[target]:
                    self.pairs.add((source_name, target_name))
                    self.facts.append((kind, source_name, target_name, evidence, confidence))


def fill(rng: random.Random, lang: Lang, piece: str) -> str:
    """Fill the number and date slots of a piece of background."""
    if "{" not in piece:
        return piece
    month = rng.choice(_MONTHS_EN) if lang == "en" else f"{rng.randint(1, 12)}月"
    day = rng.choice(_DAYS_EN if lang == "en" else _DAYS_ZH)
    return piece.format(n=rng.randint(3, 29), year=rng.randint(2021, 2025), month=month, day=day)


def _alternatives(template: str) -> Iterable[str]:
    """Expand `[a|b]` groups."""
    head, opened, rest = template.partition("[")
    if not opened:
        return [template]
    choices, _, tail = rest.partition("]")
    return [head + choice + end for choice in choices.split("|") for end in _alternatives(tail)]


@cache
def phrasebook(lang: Lang, *, held_out: bool) -> Phrasebook:
    """Build the tables of one language once."""
    suffix = "h" if held_out else ""
    blocks = (frames_en if lang == "en" else frames_zh).frames(held_out=held_out)
    table = {
        relation: tuple(
            Frame(f"{lang}.{relation}.{suffix}{index:02d}", variant, variant.startswith(("{", "the ")))
            for index, template in enumerate(templates)
            for variant in _alternatives(template)
        )
        for relation, templates in blocks.items()
    }
    return Phrasebook(table, (background_en if lang == "en" else background_zh).background(), suffix)


def _cast(draft: Draft, relation: str) -> dict[str, list[str]]:
    """Choose who plays each slot: known names where they fit, else new ones; no pair is ever repeated."""
    slots = list(dict.fromkeys(slot for _, *ends in RELATIONS[relation] for slot in ends))
    cast: dict[str, list[str]] = {}
    source_slots = {source for _, source, _ in RELATIONS[relation]}
    for slot in slots:
        known = draft.of(slot)
        reuse = 0.85 if slot in source_slots else 0.3
        cast[slot] = [draft.rng.choice(known) if known and draft.rng.random() < reuse else draft.introduce(slot)]
    for _, source, target in RELATIONS[relation]:
        if (cast[source][0], cast[target][0]) in draft.pairs:
            cast[target] = [draft.introduce(target)]
    # A second fact of the frame may have been changed by the first one's new name: note the pairs only now.
    draft.pairs.update((cast[source][0], cast[target][0]) for _, source, target in RELATIONS[relation])
    return cast


def _next_relation(draft: Draft, allowed: tuple[str, ...] = tuple(RELATIONS)) -> str:
    """Choose a relation that shares a slot with the document so far, nearly always."""
    present = set(draft.slots.values())
    if present and draft.rng.random() < 0.93:
        linked = [r for r in allowed if any(slot in present for _, *ends in RELATIONS[r] for slot in ends)]
        allowed = tuple(linked) or allowed
    return draft.rng.choices(allowed, weights=[_WEIGHTS[relation] for relation in allowed])[0]


def _joined(lang: Lang, parts: list[str]) -> str:
    comma, last = (", ", " and ") if lang == "en" else ("、", "和")
    return comma.join(parts[:-1]) + last + parts[-1] if len(parts) > 1 else parts[0]


def _enumerate(draft: Draft, relation: str, frame: Frame, cast: dict[str, list[str]]) -> None:
    """Sometimes give a frame two or three targets in a row."""
    target = RELATIONS[relation][0][2]
    if relation in _ENUMERATED and not frame.template.startswith("{" + target) and draft.rng.random() < 0.14:
        for _ in range(draft.rng.choice((1, 1, 2))):
            cast[target].append(draft.introduce(target))


def _anaphor(draft: Draft, frame: Frame, cast: dict[str, list[str]], known: set[str], rate: float) -> dict[str, str]:
    """Refer to an earlier name as "the group" and the like, only where exactly one name of its kind came before."""
    for slot in ("actor", "event", "tool"):
        came_before = [name for name in draft.of(slot) if name in known]
        if slot in cast and cast[slot] == came_before == draft.of(slot) and draft.rng.random() < rate:
            first = slot == "actor" and frame.template.startswith(("{actor} {h}", "{actor}{h}")) and not draft.book.suffix
            role = "anaphor_actor_first" if first and draft.rng.random() < 0.3 else f"anaphor_{slot}"
            return {slot: draft.piece(role)}
    return {}


def _frame(draft: Draft, relation: str, *, startable: bool) -> Frame:
    frames = draft.book.frames[relation]
    while True:
        frame = draft.rng.choice(frames)
        if frame.startable or not startable:
            draft.frames.append(frame.id)
            return frame


def _introduction(draft: Draft, frame: Frame, mode: str) -> tuple[str, str, float]:
    """Choose what stands before the clause, the hedge inside it, and the confidence that follows."""
    if mode == "hedged":
        if draft.rng.random() < 0.3:
            return draft.piece("moderate_opener"), "", _MODERATE
        if "{h}" in frame.template and draft.rng.random() < 0.7:
            return "", draft.piece("hedge"), _HEDGED
        return draft.piece("hedge_opener"), "", _HEDGED
    if mode == "negated":
        return draft.piece("negation"), "", 0.0
    lower = draft.lang == "en" and any(frame.template.startswith("{" + slot) for slot in _LOWER_PHRASES)
    if frame.startable and (lower or draft.rng.random() < 0.3):
        return draft.filled(draft.piece("opener")), "", _PLAIN
    return "", "", _PLAIN


def _sentence(draft: Draft, relation: str, mode: str = "plain", *, anaphora: float = 0.25) -> str:
    """Write one sentence, state its facts unless it denies them, and return it with its full stop."""
    known = set(draft.slots)
    cast = _cast(draft, relation)
    frame = _frame(draft, relation, startable=mode != "plain")
    replaced: dict[str, str] = {}
    if mode == "plain":
        _enumerate(draft, relation, frame, cast)
        replaced = _anaphor(draft, frame, cast, known, anaphora)
    opener, hedge, confidence = _introduction(draft, frame, mode)
    surfaces = {slot: _joined(draft.lang, named) for slot, named in cast.items()} | replaced
    clause = frame.template.format(**surfaces, h=hedge)
    starts_with_name = any(clause.startswith(name) for named in cast.values() for name in named)
    text = opener.replace("%s", clause) if "%s" in opener else opener + clause
    if draft.lang == "en" and (opener or not starts_with_name):
        text = text[0].upper() + text[1:]
    if mode == "plain" and draft.rng.random() < 0.14:
        text += draft.filled(draft.piece("tail"))
    text += "." if draft.lang == "en" else "。"
    if mode != "negated":
        draft.state(relation, cast, text, confidence)
    return text


def _filler(draft: Draft) -> str:
    return draft.filled(draft.piece("filler")) + ("." if draft.lang == "en" else "。")


def _sentences(draft: Draft, count: int, modes: Callable[[], str], *, anaphora: float = 0.25) -> list[str]:
    """Write `count` sentences of facts with fillers in between."""
    written: list[str] = []
    for _ in range(count):
        if len(draft.slots) >= _ENOUGH_NAMES:
            break
        mode = modes()
        relation = _next_relation(draft, tuple(RELATIONS) if mode == "plain" else _BINARY)
        written.append(_sentence(draft, relation, mode, anaphora=anaphora))
        if draft.rng.random() < 0.45:
            written.append(_filler(draft))
    return written


def _paragraph(draft: Draft, sentences: list[str]) -> str:
    return (" " if draft.lang == "en" else "").join(sentences)


def _prose(draft: Draft, modes: tuple[str, ...] = ("plain",) * 15 + ("hedged",), *, anaphora: float = 0.25) -> str:
    count = draft.rng.choices((1, 2, 3, 4, 5), weights=(8, 20, 34, 24, 14))[0]
    parts = _sentences(draft, count, lambda: draft.rng.choice(modes), anaphora=anaphora)
    if draft.rng.random() < 0.15:
        parts.insert(0, _filler(draft))
    return _paragraph(draft, parts)


def _sections(draft: Draft) -> str:
    paragraphs = [draft.piece("heading")] if draft.rng.random() < 0.8 else []
    for _ in range(draft.rng.choice((2, 2, 3))):
        paragraphs.append(_paragraph(draft, _sentences(draft, draft.rng.choice((1, 2, 3)), lambda: "plain")))
    return "\n\n".join(paragraphs)


def _bullets(draft: Draft) -> str:
    """Write a lead that names the source and one line per target."""
    relation = draft.rng.choice(_LISTED)
    _, source, target = RELATIONS[relation][0]
    root = draft.introduce(source)
    lines = [draft.piece(f"lead_{relation}").format(**{source: root})]
    mark = draft.rng.choice(("- ", "* ", "• "))
    for _ in range(draft.rng.choice((2, 2, 3, 3, 4))):
        if relation == "own" and draft.rng.random() < 0.12:
            name = names.file_hash(draft.rng)
            draft.slots[name] = target
        else:
            name = draft.introduce(target)
        lines.append(mark + name)
        draft.state(relation, {source: [root], target: [name]}, lines[-1], _PLAIN)
    return _with_prose(draft, "\n".join(lines))


def _with_prose(draft: Draft, block: str) -> str:
    """Sometimes let a sentence follow a list or table."""
    if draft.rng.random() < 0.35:
        return block + "\n\n" + _paragraph(draft, _sentences(draft, 1, lambda: "plain"))
    return block


def _table(draft: Draft) -> str:
    relation = draft.rng.choice(_BINARY)
    header = draft.piece(f"table_{relation}").split("/")
    lead = draft.piece("table_lead")
    rule = draft.rng.choice(("|---|---|", "| --- | --- |"))
    lines = [lead, ""] if lead else []
    lines += [f"| {header[0]} | {header[1]} |", rule]
    for _ in range(draft.rng.choice((1, 2, 2, 3))):
        cast = _cast(draft, relation)
        (source,), (target,) = cast[RELATIONS[relation][0][1]], cast[RELATIONS[relation][0][2]]
        lines.append(f"| {source} | {target} |")
        draft.state(relation, cast, lines[-1], _PLAIN)
    return _with_prose(draft, "\n".join(lines))


def _steps(draft: Draft) -> str:
    lines = [draft.piece("step_lead")]
    for number in range(1, draft.rng.choice((2, 3, 3, 4)) + 1):
        first_fact = len(draft.facts)
        lines.append(f"{number}. {_sentence(draft, _next_relation(draft))}")
        draft.facts[first_fact:] = [(*fact[:3], lines[-1], fact[4]) for fact in draft.facts[first_fact:]]
    return "\n".join(lines)


def _card(draft: Draft) -> str:
    """Write "label: value" lines about one actor."""
    colon = ": " if draft.lang == "en" else "："
    roots = {"actor": draft.introduce("actor")}
    lines = [f"{draft.piece('card_actor')}{colon}{roots['actor']}"]
    for slot, relation in _CARD_LINES:
        source = RELATIONS[relation][0][1]
        if source in roots and (slot == "tool" or draft.rng.random() < 0.5):
            roots[slot] = draft.introduce(slot)
            lines.append(f"{draft.piece(f'card_{slot}')}{colon}{roots[slot]}")
            draft.state(relation, {source: [roots[source]], slot: [roots[slot]]}, lines[-1], _PLAIN)
    return "\n".join(lines)


def _negation(draft: Draft) -> str:
    count = draft.rng.choice((0, 1, 1, 2, 2))
    parts = _sentences(draft, count, lambda: "plain")
    denied = _sentence(draft, _next_relation(draft, _BINARY), "negated")
    parts.insert(len(parts), denied)
    return _paragraph(draft, parts)


def _empty(draft: Draft) -> str:
    """Write a text with nothing to extract: everyday matters or general security talk."""
    role = "easy" if draft.rng.random() < 0.4 else "security"
    choices = draft.book.pieces[f"{role}_held_out" if draft.book.suffix else role]
    stop = "." if draft.lang == "en" else "。"
    sentences = [draft.filled(piece) + stop for piece in draft.rng.sample(choices, draft.rng.randint(1, 4))]
    if draft.rng.random() < 0.12:
        text = "\n".join(f"- {sentence}" for sentence in sentences)
    else:
        text = _paragraph(draft, sentences)
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


def compose(rng: random.Random, lang: Lang, fold: Fold) -> tuple[str, str, Draft]:
    """Write one document: its kind, its text and the draft that holds its names and facts."""
    kind = rng.choices(tuple(KINDS), weights=[weight for weight, _ in KINDS.values()])[0]
    if kind == "codeswitch" and lang == "en":
        kind = "prose"
    held_out = fold in ("validation", "test")
    draft = Draft(rng, lang, fold, phrasebook(lang, held_out=held_out), foreign_tools=kind == "codeswitch")
    return kind, KINDS[kind][1](draft), draft
