"""Lessons for the base model: a document's text with what stands in it, asked for in ever new words and layouts.

Knows nothing about tokenizers or models, and never writes the toolkit's own JSON: fine-tuning teaches that.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kgtune.demo import vocabulary
from kgtune.demo.corpus import Document
from kgtune.demo.layouts import SECTION_NAMES, Layout, Record, Value, draw_keys, draw_layout
from kgtune.demo.questions import Turn, ask, repeat_turn

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_MERGED_SHARE, _PLAIN_SHARE, _PROSE_SHARE, _GLOSSARY_SHARE = 0.05, 0.08, 0.01, 0.01
# Drills: the sentences that state facts and nothing else, asked for in few words, so that more of what is learnt is
# which name comes next and which number a link has.
_DRILL_SHARE = 0.6
_PREFIXES = ("", "", "", "n", "x", "#", "N", "E", "T", "v", "e", "k", "id", "t0")


@dataclass(frozen=True)
class Part:
    """A piece of a lesson; an answer counts fully in the loss, a passage a little."""

    text: str
    is_answer: bool


@dataclass(frozen=True)
class Lesson:
    """One training text in parts, with the number of documents it was made from."""

    parts: tuple[Part, ...]
    num_documents: int

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


def lessons(stream: Iterable[Document], seed: int) -> Iterator[Lesson]:
    """Turn a stream of documents into lessons; lesson i depends on the seed, i and its documents alone."""
    documents = iter(stream)
    for index, document in enumerate(documents):
        rng = random.Random(f"lesson/{seed}/{index}")
        num_documents = 1
        if rng.random() < _MERGED_SHARE and (second := next(documents, None)) is not None:
            document, num_documents = merged(document, second), 2
        yield Lesson(_parts(document, rng), num_documents)


def merged(first: Document, second: Document) -> Document:
    """Join two documents into one longer text with one list of names."""
    entities = tuple(dict.fromkeys(first.entities + second.entities))
    index = {entity: i for i, entity in enumerate(entities)}
    facts = [
        replace(fact, source=index[document.entities[fact.source]], target=index[document.entities[fact.target]])
        for document in (first, second)
        for fact in document.facts
    ]
    facts.sort(key=lambda fact: (fact.source, fact.target, fact.type))
    unique = {(fact.source, fact.target, fact.type): fact for fact in reversed(facts)}
    return replace(
        first,
        text=f"{first.text}\n\n{second.text}",
        entities=entities,
        facts=tuple(sorted(unique.values(), key=lambda fact: (fact.source, fact.target, fact.type))),
        frames=first.frames + second.frames,
    )


def _parts(document: Document, rng: random.Random) -> tuple[Part, ...]:
    point = rng.random()
    if point < _GLOSSARY_SHARE:
        return (Part(vocabulary.glossary(rng) + END_OF_TEXT, True),)
    if point < _GLOSSARY_SHARE + _PROSE_SHARE:
        return (Part(document.text + END_OF_TEXT, True),)
    words = vocabulary.draw_words(rng)
    if document.facts and rng.random() < _DRILL_SHARE:
        return _drill(condensed(document), rng)
    system, answer = _first_task(document, words, rng)
    turns = [ask(document, words, rng) for _ in range(rng.choice((0, 0, 0, 1, 2, 4)))]
    if rng.random() < _PLAIN_SHARE:
        return _plain(document.text, system, answer, turns, rng)
    return _chat(document.text, system, answer, turns)


def _chat(text: str, system: str, answer: str, turns: Sequence[Turn]) -> tuple[Part, ...]:
    opening = f"{TURN_START}system\n{system}{TURN_END}\n{TURN_START}user\n{text}{TURN_END}\n{TURN_START}assistant\n"
    parts = [Part(opening, False), Part(answer + TURN_END, True)]
    for question, reply in turns:
        parts.append(Part(f"\n{TURN_START}user\n{question}{TURN_END}\n{TURN_START}assistant\n", False))
        parts.append(Part(reply + TURN_END, True))
    return (*parts, Part("\n", False))


def condensed(document: Document) -> Document:
    """Leave only the sentences that state facts, where these name both ends of every fact."""
    if any(fact.evidence not in document.text for fact in document.facts):
        return document
    evidence = sorted({fact.evidence for fact in document.facts}, key=document.text.index)
    text = (" " if document.lang == "en" else "").join(evidence)
    ends = {document.entities[index][1] for fact in document.facts for index in (fact.source, fact.target)}
    if any(name not in text for name in ends):
        return document
    kept = sorted(
        (entity for entity in document.entities if entity[1] in text), key=lambda entity: text.index(entity[1])
    )
    place = {entity: index for index, entity in enumerate(kept)}
    facts = [
        replace(fact, source=place[document.entities[fact.source]], target=place[document.entities[fact.target]])
        for fact in document.facts
    ]
    facts.sort(key=lambda fact: (fact.source, fact.target, fact.type))
    return replace(document, text=text, entities=tuple(kept), facts=tuple(facts))


def _drill(document: Document, rng: random.Random) -> tuple[Part, ...]:
    words = vocabulary.plain_words(document.lang)
    layout = draw_layout(rng)
    marks = replace(_draw_marks(rng), by_name=False)
    shown = ["no", "name", "kind"] if rng.random() < 0.6 else ["no", "name"]
    keys = draw_keys(rng, shown)
    names: list[Record] = []
    for index, (label, name) in enumerate(document.entities):
        values: dict[str, Value] = {"no": marks.of(index, name), "name": name, "kind": words.kinds[label]}
        names.append([(keys[field], values[field]) for field in shown])
    links, link_keys = _link_rows(document, words, rng, marks, extra=0.15)
    answer = _two_sections(layout, names, links, rng)
    system = f"{layout.words}: {', '.join(keys[field] for field in shown)}; {', '.join(link_keys)}"
    turns = [ask(document, words, rng) for _ in range(rng.choice((0, 0, 1, 3)))]
    return _chat(document.text, system, answer, turns)


def _plain(text: str, system: str, answer: str, turns: Sequence[Turn], rng: random.Random) -> tuple[Part, ...]:
    head = rng.choice(("{system}\n\n{text}\n\n", "{text}\n\n{system}\n", "{text}\n---\n{system}\n\n"))
    parts = [Part(head.format(system=system, text=text), False), Part(answer, True)]
    for question, reply in turns:
        parts += [Part(f"\n\n{question}\n", False), Part(reply, True)]
    return (*parts, Part(END_OF_TEXT, True))


def _first_task(document: Document, words: vocabulary.Words, rng: random.Random) -> tuple[str, str]:
    point = rng.random()
    if point < 0.02:
        return repeat_turn(document, rng)
    if point < 0.05:
        return ask(document, words, rng)
    if point < 0.15:
        return _list_names(document, words, rng)
    return _list_both(document, words, rng)


def _list_names(document: Document, words: vocabulary.Words, rng: random.Random) -> tuple[str, str]:
    """Ask for the names in order, now and then only for those of a few kinds."""
    layout = draw_layout(rng)
    labels = list(words.kinds)
    if rng.random() < 0.3:
        labels = rng.sample(labels, rng.randint(1, 4))
    wanted = [(label, name) for label, name in document.entities if label in labels]
    rows, keys = _name_rows(wanted, words, rng, _draw_marks(rng))
    system = words.ask_names(rng, [words.kinds[label] for label in labels], keys, layout.words)
    return system, layout.render(rows) if rows else layout.empty


def _list_both(document: Document, words: vocabulary.Words, rng: random.Random) -> tuple[str, str]:
    """Ask for the names and for the links between them, by number or by name."""
    layout = draw_layout(rng)
    marks = _draw_marks(rng)
    name_rows, name_keys = _name_rows(document.entities, words, rng, marks)
    link_rows, link_keys = _link_rows(document, words, rng, marks)
    system = words.ask_both(rng, name_keys, link_keys, layout.words)
    if not name_rows and rng.random() < 0.3:
        return system, layout.empty
    return system, _two_sections(layout, name_rows, link_rows, rng)


def _two_sections(layout: Layout, names: Sequence[Record], links: Sequence[Record], rng: random.Random) -> str:
    first, second = rng.choice(SECTION_NAMES)
    upper = layout.render(names) if names else layout.empty
    lower = layout.render(links) if links else layout.empty
    if layout.is_json and rng.random() < 0.8:
        if layout.joint == ", ":
            return f'{{"{first}": {upper}, "{second}": {lower}}}'
        return f'{{"{first}":{upper},"{second}":{lower}}}'
    return rng.choice(
        (
            f"{first}:\n{upper}\n\n{second}:\n{lower}",
            f"{upper}\n{lower}",
            f"## {first}\n{upper}\n## {second}\n{lower}",
            f"{upper}\n\n{lower}",
            f"<{first}>\n{upper}\n</{first}>\n<{second}>\n{lower}\n</{second}>",
        )
    )


@dataclass(frozen=True)
class _Marks:
    """How the names of one lesson are numbered; links by name carry no numbers."""

    prefix: str
    first: int
    by_name: bool
    as_numbers: bool

    def of(self, index: int, name: str) -> Value:
        if self.by_name:
            return name
        number = index + self.first
        return number if self.as_numbers else f"{self.prefix}{number}"


def _draw_marks(rng: random.Random) -> _Marks:
    prefix = rng.choice(_PREFIXES)
    return _Marks(prefix, rng.choice((1, 1, 1, 1, 0)), rng.random() < 0.1, not prefix and rng.random() < 0.6)


def _name_rows(
    entities: Sequence[tuple[str, str]], words: vocabulary.Words, rng: random.Random, marks: _Marks
) -> tuple[list[Record], list[str]]:
    shown = {"no": not marks.by_name, "name": True, "kind": rng.random() < 0.9, "note": rng.random() < 0.4}
    fields = [field for field, is_shown in shown.items() if is_shown]
    rng.shuffle(fields)
    keys = draw_keys(rng, fields)
    rows: list[Record] = []
    for index, (label, name) in enumerate(entities):
        values: dict[str, Value] = {
            "no": marks.of(index, name), "name": name, "kind": words.kinds[label], "note": words.empty_note,
        }  # fmt: skip
        rows.append([(keys[field], values[field]) for field in fields])
    return rows, [keys[field] for field in fields]


def _link_rows(
    document: Document, words: vocabulary.Words, rng: random.Random, marks: _Marks, extra: float = 0.6
) -> tuple[list[Record], list[str]]:
    fields = ["source", "target", "type"]
    if rng.random() < 0.7:
        fields = rng.choice((["type", "source", "target"], ["type", "source", "target"], ["source", "type", "target"]))
    fields = fields + [field for field in ("sure", "proof") if rng.random() < extra]
    keys = draw_keys(rng, fields)
    rows: list[Record] = []
    for fact in document.facts:
        values: dict[str, Value] = {
            "source": marks.of(fact.source, document.entities[fact.source][1]),
            "target": marks.of(fact.target, document.entities[fact.target][1]),
            "type": words.verbs[fact.type],
            "sure": words.certainty(fact.confidence),
            "proof": fact.evidence,
        }
        rows.append([(keys[field], values[field]) for field in fields])
    return rows, [keys[field] for field in fields]
