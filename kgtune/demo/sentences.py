"""How one sentence is written: who is cast, which frame, what hedges or denies it, and which facts it states.

Knows nothing about lists, tables or whole documents.
"""

from __future__ import annotations

from collections.abc import Callable

from kgtune.demo.drafting import BINARY, RELATIONS, Draft, Frame
from kgtune.demo.names import Lang

_WEIGHTS = dict(zip(RELATIONS, (10, 8, 10, 12, 7, 7, 8, 7, 6, 6, 5, 3, 3, 2, 2, 2), strict=True))
_ENUMERATED = ("use", "own", "attack", "strike", "employ", "implement", "tactic")
_LOWER_PHRASES = ("technique", "tactic")
PLAIN, _MODERATE, _HEDGED = 0.95, 0.8, 0.6


def choose_cast(draft: Draft, relation: str) -> dict[str, list[str]]:
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


def next_relation(draft: Draft, allowed: tuple[str, ...] = tuple(RELATIONS)) -> str:
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
            leads = slot == "actor" and frame.template.startswith(("{actor} {h}", "{actor}{h}"))
            also = leads and not draft.book.suffix and draft.rng.random() < 0.3
            role = "anaphor_actor_first" if also else f"anaphor_{slot}"
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
        return draft.filled(draft.piece("opener")), "", PLAIN
    return "", "", PLAIN


def sentence(draft: Draft, relation: str, mode: str = "plain", *, anaphora: float = 0.25) -> str:
    """Write one sentence, state its facts unless it denies them, and return it with its full stop."""
    known = set(draft.slots)
    cast = choose_cast(draft, relation)
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


def filler(draft: Draft) -> str:
    """Write a sentence that names nothing and states nothing."""
    return draft.filled(draft.piece("filler")) + ("." if draft.lang == "en" else "。")


def several_sentences(draft: Draft, count: int, modes: Callable[[], str], *, anaphora: float = 0.25) -> list[str]:
    """Write `count` sentences of facts with fillers in between."""
    written: list[str] = []
    for _ in range(count):
        if draft.has_enough_names:
            break
        mode = modes()
        relation = next_relation(draft, tuple(RELATIONS) if mode == "plain" else BINARY)
        written.append(sentence(draft, relation, mode, anaphora=anaphora))
        if draft.rng.random() < 0.45:
            written.append(filler(draft))
    return written


def paragraph(draft: Draft, sentences: list[str]) -> str:
    """Join sentences as the language does: Chinese takes no blank."""
    return (" " if draft.lang == "en" else "").join(sentences)
