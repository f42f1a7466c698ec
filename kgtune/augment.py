"""Variants of train examples that keep their labels: synonyms, order, affixes, entities; and empty examples.

Knows nothing about files or splits beyond this: it is given train examples only. An operation proposes, `verify`
decides, and what is dropped is counted by operation and reason. Each proposal has its own random numbers, from
seed, example id and operation, so that neither order nor company changes it.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from kgtune import graph as graphs
from kgtune.augmentation_tables import Tables, tables
from kgtune.editing import Document, Edit, EditRefused
from kgtune.examples import Example
from kgtune.graph import EMPTY_TEXT, Graph
from kgtune.grounding import match_key
from kgtune.invariants import verify, verify_empty
from kgtune.reordering import reorder
from kgtune.replacement import NamePool, rename

_SYNONYM_SHARE = 0.6  # of the places where one fits; some stay, so that both words are seen in one document


class OperationSettings(Protocol):
    """What is asked of one operation."""

    @property
    def enabled(self) -> bool: ...

    @property
    def ratio(self) -> float: ...


class Settings(Protocol):
    """The augmentation section of the configuration."""

    @property
    def synonyms(self) -> OperationSettings: ...

    @property
    def order(self) -> OperationSettings: ...

    @property
    def affixes(self) -> OperationSettings: ...

    @property
    def empties(self) -> OperationSettings: ...

    @property
    def entities(self) -> OperationSettings: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A changed text with its graph (the parent's entity ids), and the names that were changed on purpose."""

    text: str
    graph: Graph
    renames: Mapping[str, str]


Operation = Callable[[Example, random.Random], Proposal | None]


def augment(
    train: Sequence[Example],
    settings: Settings,
    seed: int,
    *,
    all_names: Iterable[str] = (),
    taken_texts: Iterable[str] = (),
    replaceable: frozenset[str] | None = None,
) -> tuple[list[Example], Counter[str]]:
    """Return the variants, and the drops counted as "operation: reason".

    `all_names` are the annotated names of every split (none may turn up by accident), `taken_texts` the texts of
    every split, `replaceable` the labels whose names may be replaced (None: all).
    """
    lexicon = _Lexicon([*all_names, *(e.name for example in train for e in example.graph.entities)])
    pool = NamePool(train)
    operations: dict[str, Operation] = {
        "synonyms": lambda example, rng: _synonyms(example, rng, lexicon),
        "order": _order,
        "affixes": _affixes,
        "entities": lambda example, rng: _entities(example, rng, pool, replaceable),
    }
    run = _Run(seed, {*taken_texts, *(example.text for example in train)})
    variants: list[Example] = []
    for name, operation in operations.items():
        asked: OperationSettings = getattr(settings, name)
        if asked.enabled and asked.ratio > 0:
            variants += _variants(name, operation, train, asked.ratio, run)
    if settings.empties.enabled and settings.empties.ratio > 0:
        variants += _empties(train, settings.empties.ratio, lexicon.names, run)
    return variants, run.drops


@dataclass(frozen=True, slots=True)
class _Run:
    """What the operations of one run share: no text may stand twice, and every drop is counted."""

    seed: int
    taken: set[str]
    drops: Counter[str] = field(default_factory=Counter)


def rng_for(seed: int, example_id: str, operation: str) -> random.Random:
    """Return the random numbers of one proposal."""
    return random.Random(_number(seed, example_id, operation))


def _number(seed: int, example_id: str, operation: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\0{example_id}\0{operation}".encode()).digest()[:8], "big")


def _variants(name: str, operation: Operation, train: Sequence[Example], ratio: float, run: _Run) -> list[Example]:
    """Try examples in the order of their hashes until the share is reached."""
    wanted = round(ratio * len(train))
    variants: list[Example] = []
    for example in sorted(train, key=lambda example: (_number(run.seed, example.id, name), example.id)):
        if len(variants) >= wanted:
            break
        if example.aug:
            continue
        child, reason = variant(name, operation, example, rng_for(run.seed, example.id, name))
        if child is not None and child.text in run.taken:
            child, reason = None, "text exists already"
        if child is None:
            run.drops[f"{name}: {reason}"] += 1
            continue
        run.taken.add(child.text)
        variants.append(child)
    return variants


def variant(name: str, operation: Operation, example: Example, rng: random.Random) -> tuple[Example | None, str]:
    """Make one verified variant, canonical again; or None and the reason."""
    try:
        proposal = operation(example, rng)
    except EditRefused as error:
        return None, str(error).partition(" at ")[0]
    if proposal is None:
        return None, "not applicable"
    child = replace(example, id=f"{example.id}+{name}1", aug=name, text=proposal.text, graph=proposal.graph)
    broken = verify(example, child, proposal.renames)
    if broken is not None:
        return None, broken
    return replace(child, graph=graphs.canonical(child.graph, child.text)), ""


class _Lexicon:
    """All annotated names, and whether a word is part of any of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(set(names))
        self._joined = "\n".join(match_key(name) for name in self.names)

    def holds(self, word: str) -> bool:
        return match_key(word.rstrip(",，")) in self._joined


def _synonyms(example: Example, rng: random.Random, lexicon: _Lexicon) -> Proposal | None:
    document = Document(example.text, example.graph)
    edits: list[Edit] = []
    for match, language in _table_matches(example.text, example.lang):
        word = match[0].lower()
        choices = [new for new in language.synonyms[word] if not lexicon.holds(new)]
        free = not document.is_protected(*match.span()) and not document.cuts_evidence(*match.span())
        if not free or not choices or lexicon.holds(word) or _is_part_of_word(example.text, match, language):
            continue
        edits.append(Edit(match.start(), match.end(), _cased(rng.choice(choices), match[0])))
    if not edits:
        return None
    some = [edit for edit in edits if rng.random() < _SYNONYM_SHARE] or [rng.choice(edits)]
    return Proposal(*document.edited(some), {})


def _table_matches(text: str, lang: str) -> list[tuple[re.Match[str], Tables]]:
    """Find the table's words, longest first; Chinese ones anywhere, English ones as whole words."""
    found = []
    for language, table in tables().items():
        if lang not in (language, "mixed"):
            continue
        words = "|".join(re.escape(word) for word in sorted(table.synonyms, key=lambda word: (-len(word), word)))
        pattern = words if language == "zh" else rf"(?<![A-Za-z0-9_-])(?:{words})(?![A-Za-z0-9_-])"
        found += [(match, table) for match in re.finditer(pattern, text, re.IGNORECASE)]
    return sorted(found, key=lambda item: item[0].start())


def _is_part_of_word(text: str, match: re.Match[str], table: Tables) -> bool:
    word = match[0].lower()
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    return bool(before and before in table.not_after.get(word, "")) or bool(
        after and after in table.not_before.get(word, "")
    )


def _cased(new: str, old: str) -> str:
    if old.isupper() and len(old) > 1:
        return new.upper()
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _order(example: Example, rng: random.Random) -> Proposal | None:
    document = Document(example.text, example.graph)
    text = reorder(document, rng)
    return None if text is None else Proposal(text, example.graph, {})


def _affixes(example: Example, rng: random.Random) -> Proposal | None:
    if example.lang not in ("zh", "en"):
        return None
    table = tables()[example.lang]
    text = example.text
    between = "\n" if "\n" in text.strip() else "" if example.lang == "zh" else " "
    at_start = rng.random() < 0.5
    if at_start:
        edit = Edit(0, 0, rng.choice(table.prefixes) + between)
    else:
        end = len(text.rstrip())
        ends_sentence = text[end - 1] in ".!?。！？…"
        edit = Edit(end, end, (between if ends_sentence else "\n") + rng.choice(table.suffixes))
    return Proposal(*Document(text, example.graph).edited([edit]), {})


def _entities(
    example: Example, rng: random.Random, pool: NamePool, replaceable: frozenset[str] | None
) -> Proposal | None:
    changed = rename(Document(example.text, example.graph), rng, pool, replaceable)
    return None if changed is None else Proposal(*changed)


def _empties(train: Sequence[Example], ratio: float, names: Sequence[str], run: _Run) -> list[Example]:
    """Write texts that hold nothing to extract, in the languages of the train examples."""
    wanted = round(ratio * len(train))
    languages = [example.lang for example in sorted(train, key=lambda e: e.id) if example.lang in tables()]
    made: list[Example] = []
    for number in range(wanted * 8):  # a draw may repeat a text; a small table runs out in the end
        if len(made) >= wanted or not languages:
            break
        rng = rng_for(run.seed, str(number), "empties")
        example = _empty(rng.choice(languages), rng)
        reason = "text exists already" if example.text in run.taken else verify_empty(example, names)
        if reason:
            run.drops[f"empties: {reason}"] += 1
            continue
        run.taken.add(example.text)
        made.append(example)
    return made


def _empty(language: str, rng: random.Random) -> Example:
    table = tables()[language]
    theme = rng.choice(sorted(table.empties))
    chosen = rng.sample(table.empties[theme], rng.randint(1, 4))
    text = ("" if language == "zh" else " ").join(chosen)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]
    identity = f"empties-{language}-{digest}"
    assert graphs.dumps(Graph()) == EMPTY_TEXT
    return Example(identity, identity, f"empties-{language}-{theme}", "train", language, "empties", text, Graph())
