"""Short questions about a document and their answers: kinds, links, sentences, order, counts, repeats.

Knows nothing about layouts or prompts of lists.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from kgtune.demo.corpus import Document
from kgtune.demo.vocabulary import Words

Turn = tuple[str, str]
_NOTHING = {"en": "none", "zh": "无"}
_SENTENCE = re.compile(r"[^。！？\n]+?(?:[。！？]|[.!?](?=\s|$)|\n|$)")


def sentences(text: str) -> list[str]:
    """Split a text into sentences and lines, roughly."""
    return [piece for match in _SENTENCE.finditer(text) if (piece := match.group().strip())]


def repeat_turn(document: Document, rng: random.Random) -> Turn:
    """Ask for the text itself."""
    request = rng.choice(
        (
            "Repeat the text.",
            "Copy the text word for word.",
            "Write the same text again.",
            "重复这段文字。",
            "抄写原文。",
        )
    )
    return request, document.text


def ask(document: Document, words: Words, rng: random.Random) -> Turn:
    """Draw a question that the document can answer."""
    if len(document.entities) < 2 or not document.facts:
        return rng.choice((_count, _after, _first))(document, words, rng)
    return rng.choice(_QUESTIONS)(document, words, rng)


def _pick(words: Words, rng: random.Random, en: Sequence[str], zh: Sequence[str]) -> str:
    return rng.choice(en if words.lang == "en" else zh)


def _listed(names: Sequence[str], words: Words) -> str:
    return (", " if words.lang == "en" else "、").join(names) if names else _NOTHING[words.lang]


def _kind(document: Document, words: Words, rng: random.Random) -> Turn:
    label, name = rng.choice(document.entities)
    request = _pick(
        words,
        rng,
        ("What kind is {}?", "{}: kind?", "Which kind of thing is {}?"),
        ("{}是什么类别？", "{}属于哪一类？"),
    )
    return request.format(name), words.kinds[label]


def _of_kind(document: Document, words: Words, rng: random.Random) -> Turn:
    label = rng.choice(document.entities)[0] if rng.random() < 0.8 else rng.choice(list(words.kinds))
    request = _pick(words, rng, ("Every {}?", "Name each {}.", "{}: which?"), ("有哪些{}？", "列出{}。"))
    return request.format(words.kinds[label]), _listed([n for kind, n in document.entities if kind == label], words)


def _objects(document: Document, words: Words, rng: random.Random) -> Turn:
    fact = rng.choice(document.facts)
    source = fact.source if rng.random() < 0.8 else rng.randrange(len(document.entities))
    found = [document.entities[f.target][1] for f in document.facts if f.source == source and f.type == fact.type]
    request = _pick(
        words,
        rng,
        ("{} | {} | ?", "{} -> {} -> what?", "What comes after {} and {}?"),
        ("{} {} 什么？", "{}的{}对象？"),
    )
    return request.format(document.entities[source][1], words.verbs[fact.type]), _listed(found, words)


def _subjects(document: Document, words: Words, rng: random.Random) -> Turn:
    fact = rng.choice(document.facts)
    found = [document.entities[f.source][1] for f in document.facts if f.target == fact.target and f.type == fact.type]
    request = _pick(words, rng, ("? | {} | {}", "Who {} {}?", "which -> {} -> {}"), ("谁 {} {}？", "？ {} {}"))
    return request.format(words.verbs[fact.type], document.entities[fact.target][1]), _listed(found, words)


def _link(document: Document, words: Words, rng: random.Random) -> Turn:
    fact = rng.choice(document.facts)
    source, target = fact.source, fact.target
    if rng.random() < 0.4:
        source, target = rng.sample(range(len(document.entities)), 2)
    found = [words.verbs[f.type] for f in document.facts if (f.source, f.target) == (source, target)]
    request = _pick(
        words, rng, ("{} | ? | {}", "How is {} linked to {}?", "{} -> ? -> {}"), ("{}与{}是什么关系？", "{} ？ {}")
    )
    return request.format(document.entities[source][1], document.entities[target][1]), _listed(found, words)


def _proof(document: Document, words: Words, rng: random.Random) -> Turn:
    fact = rng.choice(document.facts)
    pair = document.entities[fact.source][1], document.entities[fact.target][1]
    request = _pick(
        words,
        rng,
        ("Quote what links {} and {}.", "{} + {}: quote?", "Evidence: {}, {}"),
        ("引用{}与{}的原文。", "{}、{}：原句？"),
    )
    return request.format(*pair), fact.evidence


def _count(document: Document, words: Words, rng: random.Random) -> Turn:
    request = _pick(
        words, rng, ("How many names?", "Number of names?", "Count the names."), ("有几个名称？", "名称数量？")
    )
    return request, str(len(document.entities))


def _number(document: Document, words: Words, rng: random.Random) -> Turn:
    index = rng.randrange(len(document.entities))
    name = document.entities[index][1]
    if rng.random() < 0.5:
        return _pick(words, rng, ("Number of {} in the list?", "{} = number?"), ("{}是第几个？",)).format(name), str(
            index + 1
        )
    return _pick(words, rng, ("Name number {}?", "Which name is number {}?"), ("第{}个名称？",)).format(index + 1), name


def _first(document: Document, words: Words, rng: random.Random) -> Turn:
    request = _pick(words, rng, ("First name?", "Which name comes first?"), ("第一个名称？",))
    return request, _listed([name for _, name in document.entities[:1]], words)


def _next(document: Document, words: Words, rng: random.Random) -> Turn:
    before, after = rng.choice(list(pairwise(name for _, name in document.entities)))
    return _pick(words, rng, ("Which name follows {}?", "After {}?"), ("{}之后的名称？",)).format(before), after


def _after(document: Document, words: Words, rng: random.Random) -> Turn:
    found = list(pairwise(sentences(document.text)))
    if not found:
        return repeat_turn(document, rng)
    before, after = rng.choice(found)
    return _pick(words, rng, ("What comes after: {}", "Next sentence: {}"), ("下一句：{}",)).format(before), after


def _mentions(document: Document, words: Words, rng: random.Random) -> Turn:
    name = rng.choice(document.entities)[1]
    found = [sentence for sentence in sentences(document.text) if name in sentence]
    request = _pick(words, rng, ("Sentences with {}:", "Where is {} named?"), ("含有{}的句子：",))
    return request.format(name), "\n".join(found) or _NOTHING[words.lang]


_QUESTIONS: tuple[Callable[[Document, Words, random.Random], Turn], ...] = (
    _kind, _of_kind, _objects, _subjects, _link, _proof, _count, _number, _next, _after, _mentions, _link, _objects,
)  # fmt: skip
