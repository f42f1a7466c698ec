"""Another order of a text's paragraphs, list items or sentences, where the order says nothing.

Knows nothing about entities beyond the spans a document protects. What it can't be sure of stays where it is:
24 % of sentences that are not the first open with a pronoun or connective, and a kill chain is told in order.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kgtune.augmentation.editing import Document, Place
from kgtune.grounding import sentences

_OPENERS_EN = frozenset(
    "it its it's they their them this that these those he his she her the such both another other others then later "
    "subsequently afterwards after before finally lastly however but and or so also too additionally moreover "
    "furthermore meanwhile instead thus therefore hence consequently in as for similarly likewise once next first "
    "firstly second secondly third from there here when while during upon through using at by with one some most "
    "neither nor yet still again we again, all each either same".split()
)
_OPENERS_ZH = re.compile(
    r"[该此其它他她这那上前随之然接最同但因所而并且还也再首第与例本类相为由据不以及后另次对在通经至于当从如若除期继紧稍曾已早主]"
    # without an article, a bare noun is told from "an attacker" by what stands before it alone
    r"|攻击|黑客|样本|恶意软件|受害|团伙|组织|作者|研究人员|活跃|活动|目标|时间|手法"
)
_IN_ORDER = re.compile(
    r"^\s*(?:\d+[.)、:]|[（(]?[一二三四五六七八九十]+[）)、.]|step\b|第[一二三四五六七八九十\d]+[步阶])",
    re.IGNORECASE | re.MULTILINE,
)
_DATE = re.compile(
    r"\d{4}\s*[-/年.]\s*\d{1,2}|\b(?:19|20)\d{2}\b|\d{1,2}月|\d{1,2}:\d{2}"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
_BULLET = re.compile(r"^\s*[-*•·–]\s+")
_BEFORE_WORDS = re.compile(r"^[\W_]+")  # bullets, quotes, brackets, marks of headings and of quoted lines
_NOT_PROSE = re.compile(r"\||\t|```|^\s*#|^\s*>")
_SENTENCE_END = re.compile(r"[.!?]\s+[A-Z]|[。！？]")
_MOST_UNITS = 200


@dataclass(frozen=True, slots=True)
class Units:
    """The parts of a text that might change places, without the white space between them, and those that may."""

    bodies: tuple[Place, ...]
    movable: tuple[int, ...]


def reorder(document: Document, rng: random.Random) -> str | None:
    """Return the text with some units in other places, or None where that could change what it says."""
    units = units_of(document)
    child = None if units is None else _permuted(document.text, units, rng)
    return child if child is not None and _divides_alike(document.text, child) else None


def _divides_alike(text: str, child: str) -> bool:
    """Tell whether both have the same sentences: "Vexa ran Latch, Ltd." ends one at the end, and none before a name."""
    if "\n" in text.strip():
        return True
    found = ([one[span.start : span.end].strip() for span in sentences(one)] for one in (text, child))
    before, after = map(Counter, found)
    return before == after


def units_of(document: Document) -> Units | None:
    """Divide a text into list items, else paragraphs, else sentences; None where fewer than two of them may move."""
    text = document.text
    if _IN_ORDER.search(text):
        return None
    whole = [*(span for span in document.evidence if span), *document.loose_evidence]
    for divide in (_list_items, _paragraphs, _sentences):
        bodies = _bodies(text, _kept_together(divide(text), whole))
        movable = _movable(text, bodies, is_list=divide is _list_items)
        if 3 <= len(bodies) <= _MOST_UNITS and len(movable) >= 2:
            return Units(tuple(bodies), tuple(movable))
    return None


def is_reordered(document: Document, child: str) -> bool:
    """Tell whether the child is the document's text with movable units in each other's places, and nothing else."""
    units = units_of(document)
    if units is None or len(child) != len(document.text):
        return False
    text, at, taken_from = document.text, 0, 0
    left = Counter(text[slice(*units.bodies[i])] for i in units.movable)
    for i, (start, end) in enumerate(units.bodies):
        separator, body = text[taken_from:start], text[start:end]
        if i in units.movable:
            here = child[at + len(separator) :]
            # The longest that fits: a unit that begins another one is told from it by what follows it.
            body = max((unit for unit in left if left[unit] and here.startswith(unit)), key=len, default="\0")
            left[body] -= 1
        if not child.startswith(separator + body, at):
            return False
        at += len(separator) + len(body)
        taken_from = end
    return child[at:] == text[taken_from:]


def _list_items(text: str) -> list[Place]:
    """The first run of bulleted lines, as it is: a list may be put in another order from its first item on."""
    run: list[Place] = []
    at = 0
    for line in text.split("\n"):
        if _BULLET.match(line):
            run.append((at, at + len(line)))
        elif run:
            break
        at += len(line) + 1
    return run


def _paragraphs(text: str) -> list[Place]:
    return [match.span() for match in re.finditer(r"[^\n](?:.|\n(?!\s*\n))*", text)] if "\n\n" in text else []


def _sentences(text: str) -> list[Place]:
    if "\n" in text.strip() or _tells_dates(text):
        return []
    return [(span.start, span.end) for span in sentences(text)]


def _tells_dates(text: str) -> bool:
    """Tell at a glance what `_movable` would find after more work: dates in two sentences."""
    dates = list(_DATE.finditer(text))
    return len(dates) > 1 and bool(_SENTENCE_END.search(text, dates[0].end(), dates[-1].start()))


def _kept_together(units: Sequence[Place], evidence: Sequence[Place]) -> list[Place]:
    """Join units that one evidence spans: they move as one."""
    joined: list[Place] = []
    for start, end in units:
        if joined and any(begin < joined[-1][1] and stop > start for begin, stop in evidence):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _bodies(text: str, units: Sequence[Place]) -> list[Place]:
    """Leave the white space between units where it is."""
    bodies = []
    for start, end in units:
        unit = text[start:end]
        body = (start + len(unit) - len(unit.lstrip()), start + len(unit.rstrip()))
        if body[1] > body[0]:
            bodies.append(body)
    return bodies


def _movable(text: str, bodies: Sequence[Place], *, is_list: bool) -> list[int]:
    """Choose units that lean on no neighbour: nothing points back from them, or from the one behind them."""
    units = [text[start:end] for start, end in bodies]
    if sum(bool(_DATE.search(unit)) for unit in units) >= 2:  # told in the order in which it happened
        return []
    # "ran 192.0.2.7." before "Recently" would be one word, where nothing stands between some of the sentences.
    if any(one[1] == other[0] for one, other in pairwise(bodies)) and any(unit[-1].isascii() for unit in units):
        return []
    leans = [_leans_back(unit) for unit in units]
    first = len(text) - len(text.lstrip())
    movable = []
    for i, unit in enumerate(units):
        is_followed = i + 1 < len(units) and leans[i + 1]
        opens = unit.endswith((":", "：")) or (i > 0 and units[i - 1].endswith((":", "：")))
        if bodies[i][0] == first or leans[i] or is_followed or opens or (_NOT_PROSE.search(unit) and not is_list):
            continue
        if is_list or (i > 0 and _ends_sentence(unit)):
            movable.append(i)
    return movable


def _leans_back(unit: str) -> bool:
    plain = _BEFORE_WORDS.sub("", unit)
    word = re.match(r"[A-Za-z']+", plain)
    return bool(word and word[0].lower() in _OPENERS_EN) or bool(_OPENERS_ZH.match(plain))


def _ends_sentence(unit: str) -> bool:
    return unit.rstrip("\"'”’)）]】").endswith((".", "!", "?", "。", "！", "？", "…"))


def _permuted(text: str, units: Units, rng: random.Random) -> str:
    order = list(units.movable)
    while order == list(units.movable):
        rng.shuffle(order)
    source = dict(zip(units.movable, order, strict=True))
    parts: list[str] = []
    at = 0
    for i, (start, end) in enumerate(units.bodies):
        begin, stop = units.bodies[source.get(i, i)]
        parts += [text[at:start], text[begin:stop]]
        at = end
    return "".join([*parts, text[at:]])
