"""The twenty invariants of augmentation as functions: given what a run made, list what is wrong with it.

They measure with the mention finder and the indicator finder, and know nothing of how a variant is made or verified.
tests/augmentation/test_augment_properties.py holds them over written documents; tests/augmentation/test_sabotage.py shows that each can fail.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

from rapidfuzz.distance import Levenshtein

from kgtune import examples, grounding
from kgtune.augmentation import augment
from kgtune.augmentation.tables import tables
from kgtune.conversion import preparation, sample_pairs
from kgtune.examples import Example
from kgtune.graph import EMPTY_TEXT
from kgtune.grounding import Haystack, match_key
from kgtune.iocs import iocs, refang
from kgtune.settings import Config
from tests.annotated import Op, Ops, every
from tests.nasty import Corpus

LABEL_BEARING = (
    "攻击 组织 漏洞 恶意 利用 软件 目标 木马 工具 后门 入侵 窃取 投递 战术 技术 报告 资产 域名 样本 团伙 事件 "
    "attack exploit target malware vulnerability group tool deliver actor backdoor victim campaign trojan tactic "
    "technique report asset steal compromise"
).split()


class Run:
    """One augmentation of a corpus, every operation asked of every document."""

    def __init__(self, corpus: Corpus, ops: Ops | None = None) -> None:
        self.corpus, self.ops = corpus, ops or every()
        self.variants, self.drops = self.again(corpus.train)

    def again(self, train: tuple[Example, ...], ops: Ops | None = None) -> tuple[list[Example], Counter[str]]:
        rules = augment.Rules(held_out=self.corpus.held_out)
        return augment.augment(train, ops or self.ops, self.corpus.seed, rules=rules)

    @cached_property
    def names(self) -> set[str]:
        return {e.name for example in self.corpus.train for e in example.graph.entities} | {*self.corpus.held_out}

    @cached_property
    def pairs(self) -> list[tuple[Example, Example]]:
        """Each variant behind its parent."""
        by_doc = {example.doc_id: example for example in self.corpus.train}
        return [(by_doc[child.doc_id], child) for child in self.variants if child.aug != "empties"]

    def of(self, operation: str) -> Iterator[tuple[Example, Example]]:
        return ((parent, child) for parent, child in self.pairs if child.aug == operation)


Check = Callable[[Run], list[str]]
CHECKS: dict[str, Check] = {}


def invariant(number: int) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[f"I{number}"] = check
        return check

    return register


def _tell(what: str, parent: Example, child: Example, *more: object) -> str:
    return f"{what}: {child.id}\n  {parent.text!r}\n  {child.text!r}\n  {more}"


@invariant(1)
def anchored_names_stay_anchored(run: Run) -> list[str]:
    wrong = []
    for parent, child in run.pairs:
        here, there = Haystack(parent.text), Haystack(child.text)
        if child.aug == "entities":
            before = Counter(e.labels for e in parent.graph.entities if here.anchor(e.name))
            after = Counter(e.labels for e in child.graph.entities if there.anchor(e.name))
            gone = {e.name for e in parent.graph.entities} - {e.name for e in child.graph.entities}
            wrong += [_tell(f"{name} is still there", parent, child) for name in gone if there.first(name)]
        else:
            before = Counter((e.labels, e.name, len(here.all(e.name))) for e in parent.graph.entities)
            after = Counter((e.labels, e.name, len(there.all(e.name))) for e in child.graph.entities)
        if before != after:
            wrong.append(_tell("names anchored", parent, child, before, after))
    return wrong


@invariant(2)
def evidence_stays_with_its_ends(run: Run) -> list[str]:
    def told(example: Example, *, by_label: bool) -> Counter[object]:
        names = example.graph.names()
        found: Counter[object] = Counter()
        for r in example.graph.relationships:
            ends = [names[r.source], names[r.target]]
            haystack = Haystack(r.evidence)
            inside = tuple(haystack.first(end.name) is not None for end in ends)
            labels = tuple(end.labels if by_label else (end.labels, end.name) for end in ends)
            if r.evidence and r.evidence in example.text:
                found[r.type, labels, r.confidence, inside] += 1
        return found

    wrong = []
    for parent, child in run.pairs:
        before, after = (told(example, by_label=child.aug == "entities") for example in (parent, child))
        if before != after:
            wrong.append(_tell("evidence", parent, child, before, after))
    return wrong


@invariant(3)
def what_was_not_anchored_is_the_same(run: Run) -> list[str]:
    def loose(example: Example) -> tuple[Counter[str], Counter[str], int]:
        haystack = Haystack(example.text)
        names = Counter(e.name for e in example.graph.entities if not haystack.first(e.name))
        evidence = [r.evidence for r in example.graph.relationships if r.evidence not in example.text]
        return names, Counter(evidence), sum(haystack.first(one) is not None for one in evidence)

    return [
        _tell("unanchored", parent, child, loose(parent), loose(child))
        for parent, child in run.pairs
        if loose(parent) != loose(child)
    ]


@invariant(4)
def the_graph_is_the_same_up_to_the_renames(run: Run) -> list[str]:
    def shape(example: Example, *, with_names: bool) -> object:
        names = example.graph.names()

        def node(identity: str) -> object:
            entity = names[identity]
            return (entity.labels, entity.name, entity.description) if with_names else entity.labels

        return (
            Counter(map(node, names)),
            Counter((r.type, node(r.source), node(r.target), r.confidence) for r in example.graph.relationships),
        )

    wrong = []
    for parent, child in run.pairs:
        with_names = child.aug != "entities"
        if shape(parent, with_names=with_names) != shape(child, with_names=with_names):
            wrong.append(_tell("graph", parent, child, parent.graph, child.graph))
        if not with_names:
            old, new = ({e.name for e in example.graph.entities} for example in (parent, child))
            kept = [e for e in child.graph.entities if e.name not in old]
            tells = [
                e for e in child.graph.entities for name in old - new if match_key(name) in match_key(e.description)
            ]
            if len(old) != len(new) or any(e.description for e in kept) or tells:
                wrong.append(_tell("renames", parent, child, old, new, tells))
    return wrong


@invariant(5)
def references_hold_and_no_edge_is_new(run: Run) -> list[str]:
    wrong = []
    for parent, child in run.pairs:
        ids = [e.id for e in child.graph.entities]
        ends = {end for r in child.graph.relationships for end in (r.source, r.target)}
        loops = [sum(r.source == r.target for r in e.graph.relationships) for e in (parent, child)]
        triples = [len({(r.type, r.source, r.target) for r in e.graph.relationships}) for e in (parent, child)]
        nodes = [len({(e.labels, e.name) for e in one.graph.entities}) for one in (parent, child)]
        unlike = [one for one in (loops, triples, nodes) if one[0] != one[1]]
        if ids != [f"e{i}" for i in range(1, len(ids) + 1)] or not ends <= {*ids} or unlike:
            wrong.append(_tell("references", parent, child, ids, ends, unlike))
    return wrong


@invariant(6)
def indicators_are_the_same_or_renamed_in_kind(run: Run) -> list[str]:
    wrong = []
    for parent, child in run.pairs:
        before, after = (
            Counter((i.kind, refang(match_key(e.text[i.start : i.end]))) for i in iocs(e.text)) for e in (parent, child)
        )
        if child.aug == "entities":
            new = [key for _, key in after - before]
            if Counter(kind for kind, _ in before.elements()) != Counter(kind for kind, _ in after.elements()):
                wrong.append(_tell("indicators by kind", parent, child, before, after))
            wrong += [_tell(f"{key} belongs to somebody", parent, child) for key in new if not _is_documentation(key)]
        elif before != after:
            wrong.append(_tell("indicators", parent, child, before, after))
    return wrong


def _is_documentation(key: str) -> bool:
    is_kept = re.search(
        r"\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.|^2001:db8:|\.(?:example|test|invalid)\b|\bexample\.", key
    )
    return bool(is_kept or re.fullmatch(r"[0-9a-f]{32,128}|[a-z]+\d\d\.[a-z0-9]+", key))


@invariant(7)
def the_answer_is_the_graph_as_strict_json(run: Run) -> list[str]:
    wrong = []
    for child in run.variants:
        row = examples.to_row(child)
        output = row["output"]
        graph = {
            "entities": [[e.labels, e.id, e.name, e.description] for e in child.graph.entities],
            "relationships": [
                [r.type, r.source, r.target, r.confidence, r.evidence] for r in child.graph.relationships
            ],
        }
        read = json.loads(output, parse_constant=lambda name: name)
        keys = {tuple(item) for item in read["entities"]} | {tuple(item) for item in read["relationships"]}
        expected = {("labels", "id", "name", "description"), ("type", "source", "target", "confidence", "evidence")}
        is_plain = (
            all(isinstance(value, str) for value in row.values()) and "\\u" not in output and ": " not in output[:20]
        )
        if {key: [list(item.values()) for item in items] for key, items in read.items()} != graph or not is_plain:
            wrong.append(f"answer of {child.id}: {output}")
        if not keys <= expected or list(read) != ["entities", "relationships"]:
            wrong.append(f"keys of {child.id}: {output}")
        output.encode("utf-8")
    return wrong


@invariant(8)
def sentences_join_back_to_the_text(run: Run) -> list[str]:
    wrong = []
    for text in [example.text for example in (*run.corpus.train, *run.variants)]:
        spans = grounding.sentences(text)
        parts = [text[span.start : span.end] for span in spans]
        if "".join(parts) != text or any(one.end != other.start for one, other in pairwise(spans)):
            wrong.append(f"sentences of {text!r}: {spans}")
    return wrong


_LEANS = re.compile(r"\W*(?:It|This|However|Moreover|该|其|此外|但是)\b|\W*(?:该|其|此外|但是)")


def _units(text: str) -> list[str]:
    """Lines, or the sentences of a text of one line, without the white space around them."""
    is_lines = "\n" in text.strip()
    parts = text.split("\n") if is_lines else [text[s.start : s.end] for s in grounding.sentences(text)]
    return [part.strip() for part in parts if part.strip()]


@invariant(9)
def an_order_is_a_permutation_that_leans_on_nothing(run: Run) -> list[str]:
    wrong = []
    for parent, child in run.of("order"):
        before, after = _units(parent.text), _units(child.text)
        if Counter(before) != Counter(after) or before[0] != after[0] or Counter(parent.text) != Counter(child.text):
            wrong.append(_tell("units", parent, child, before, after))
        if re.findall(r"\n\s*", parent.text.strip()) != re.findall(r"\n\s*", child.text.strip()):
            wrong.append(_tell("separators", parent, child))
        neighbours = [Counter(pairwise(units)) for units in (before, after)]
        leaning = [{pair: n for pair, n in found.items() if _LEANS.match(pair[1])} for found in neighbours]
        if leaning[0] != leaning[1]:
            wrong.append(_tell("a unit that leans on another was moved", parent, child, *leaning))
        if re.search(r"^\s*\d+\.", parent.text, re.MULTILINE):
            wrong.append(_tell("numbered steps were moved", parent, child))
    return wrong


_WORDS = sorted({word for table in tables().values() for word in table.synonyms}, key=lambda word: (-len(word), word))
_ANY_WORD = re.compile("|".join(map(re.escape, _WORDS)), re.IGNORECASE)


def _least(word: str) -> str:
    table = next(t.synonyms for t in tables().values() if word in t.synonyms)
    return min(word, *table[word])


@invariant(10)
def synonyms_are_whole_words_outside_names(run: Run) -> list[str]:
    wrong = []
    keys = [match_key(name) for name in run.names]
    for parent, child in run.of("synonyms"):
        rest, rest_of_child = (_ANY_WORD.sub(lambda m: f"<{_least(m[0].lower())}>", e.text) for e in (parent, child))
        code, code_of_child = (re.findall(r"```.*?```|`[^`\n]+`", e.text, re.DOTALL) for e in (parent, child))
        if rest != rest_of_child or code != code_of_child:
            wrong.append(_tell("changed beyond the words", parent, child, rest, rest_of_child))
        olds, news = (list(_ANY_WORD.finditer(e.text)) for e in (parent, child))
        for old, new in zip(olds, news, strict=False):
            if old[0] == new[0]:
                continue
            before, after = parent.text[old.start() - 1 : old.start()], parent.text[old.end() : old.end() + 1]
            if old[0].isascii() and re.search("[A-Za-z0-9]", before + (after if old[0][-1].isalnum() else "")):
                wrong.append(_tell(f"{old[0]} is part of a word", parent, child))
            if not old[0].isascii() and before + old[0] + after in ("附近日本", "立即使", "并非常见"):
                wrong.append(_tell(f"{old[0]} is no word here", parent, child))
            if old[0][0].isupper() != new[0][0].isupper():
                wrong.append(_tell(f"case of {old[0]} and {new[0]}", parent, child))
            for word in (old[0].strip(",，"), new[0].strip(",，")):
                is_named = any(re.search(_edges(match_key(word)), key) for key in keys)
                if is_named or any(bad in word for bad in LABEL_BEARING):
                    wrong.append(_tell(f"{word} is part of a name or bears a label", parent, child))
    return wrong


def _edges(key: str) -> str:
    return rf"(?<![a-z0-9]){re.escape(key)}(?![a-z0-9])" if key.isascii() else re.escape(key)


@invariant(11)
def a_frame_is_in_the_texts_language_and_names_nothing(run: Run) -> list[str]:
    wrong = []
    for parent, child in run.of("affixes"):
        if child.text.endswith(parent.text):
            added, space = child.text[: -len(parent.text)], "end"
        else:
            body = parent.text.rstrip()
            added, space = child.text[len(body) : len(child.text) - (len(parent.text) - len(body))], "start"
            if not child.text.startswith(body):
                wrong.append(_tell("not framed", parent, child))
                continue
        sentence = added.strip()
        between = added.replace(sentence, "")
        is_lines = "\n" in parent.text.strip()
        follows_sentence = space == "end" or parent.text.rstrip()[-1] in ".!?。！？…"
        expected = "\n" if is_lines or not follows_sentence else {"zh": "", "en": " "}[parent.lang]
        if between != expected or not (added.endswith(between) if space == "end" else added.startswith(between)):
            wrong.append(_tell("spacing", parent, child, added))
        if bool(re.search("[\u4e00-\u9fff]", sentence)) != (parent.lang == "zh"):
            wrong.append(_tell("language", parent, child, sentence))
        haystack = Haystack(sentence)
        if re.search(r"\d", sentence) or iocs(sentence) or any(haystack.first(name) for name in run.names):
            wrong.append(_tell("a name, digit or indicator", parent, child, sentence))
    return wrong


@invariant(12)
def empty_texts_are_empty_for_certain(run: Run) -> list[str]:
    wrong = []
    for child in run.variants:
        if child.aug == "empties":
            haystack = Haystack(child.text)
            named = [name for name in run.names if haystack.first(name)]
            if child.answer != EMPTY_TEXT or iocs(child.text) or named:
                wrong.append(f"{child.id}: {child.text!r} {named}")
    return wrong


@invariant(13)
def nothing_is_made_of_nothing_and_no_text_stands_twice(run: Run) -> list[str]:
    none, _ = run.again(run.corpus.train, every(0.0))
    off, _ = run.again(run.corpus.train, Ops(*[Op(enabled=False, ratio=1.0)] * 5))
    wrong = [f"made with a ratio of 0 or switched off: {child.id}" for child in (*none, *off)]
    texts = Counter(example.text for example in (*run.corpus.train, *run.variants))
    originals = Counter(example.text for example in run.corpus.train)
    wrong += [f"stands {n} times: {text!r}" for text, n in texts.items() if n > max(1, originals[text])]
    for parent, child in run.pairs:
        if Levenshtein.normalized_distance(parent.text, child.text) < 0.01:
            wrong.append(_tell("hardly changed", parent, child))
    return wrong


@invariant(14)
def variants_depend_on_the_example_alone(run: Run) -> list[str]:
    shuffled = list(run.corpus.train)
    random.Random(run.corpus.seed).shuffle(shuffled)
    again, drops = run.again(tuple(shuffled))
    wrong = [] if (again, drops) == (run.variants, run.drops) else [f"another order: {run.variants} {again}"]
    rules = augment.Rules(held_out=run.corpus.held_out)
    pairs = [(e.labels, e.name) for example in run.corpus.train for e in example.graph.entities]
    context = augment.context_of(run.ops, run.corpus.seed, pairs, rules=rules)
    alone = [child for example in shuffled for child in augment.variants_of(example, context).variants]
    taken = {example.text for example in run.corpus.train}
    if {child.id for child in run.variants} - {child.id for child in alone if child.text not in taken}:
        wrong.append("one document at a time makes others")
    by_id = {child.id: child for child in alone}
    return wrong + [f"alone: {child.id}" for child in run.variants if by_id.get(child.id) != child]


@invariant(15)
def a_group_stands_in_one_split_and_variants_in_train(run: Run) -> list[str]:
    bare = [replace(e, id=f"{e.id}-{n}", doc_id=f"{e.doc_id}-{n}", group_id="", split=None, text=f"{e.text} {n}{'x' * n * 40}")
            for n in range(2) for e in run.corpus.train]  # fmt: skip
    rows = preparation.prepare(
        bare, Config.model_validate({"data": {"test_ratio": 0.3, "seed": run.corpus.seed}})
    ).examples
    splits: dict[str, set[str | None]] = {}
    for row in rows:
        splits.setdefault(row.group_id, set()).add(row.split)
    parents = {row.doc_id: row.split for row in rows if not row.aug}
    wrong = [f"group {group}: {found}" for group, found in splits.items() if len(found) > 1]
    wrong += [f"{row.id} ({row.aug}) is in {row.split}" for row in rows if row.aug and row.split != "train"]
    return wrong + [f"{row.id}: its parent is in {parents[row.doc_id]}" for row in rows
                    if row.aug not in ("", "empties") and parents[row.doc_id] != "train"]  # fmt: skip


@invariant(16)
def new_names_come_from_train_alone(run: Run) -> list[str]:
    train = {e.name for example in run.corpus.train for e in example.graph.entities}
    closed = {match_key(name) for name in run.corpus.held_out}
    wrong = []
    for parent, child in run.of("entities"):
        old = {e.name for e in parent.graph.entities}
        for entity in child.graph.entities:
            if entity.name not in old:
                is_made_up = len(iocs(entity.name)) == 1 and _is_documentation(refang(match_key(entity.name)))
                if match_key(entity.name) in closed or not (entity.name in train or is_made_up):
                    wrong.append(_tell(f"{entity.name} is from elsewhere", parent, child))
    return wrong


@invariant(17)
def ids_are_unique_and_a_second_run_adds_nothing(run: Run) -> list[str]:
    ids = Counter(example.id for example in (*run.corpus.train, *run.variants))
    wrong = [f"id {identity} stands {n} times" for identity, n in ids.items() if n > 1]
    for parent, child in run.pairs:
        if not re.fullmatch(re.escape(parent.id) + rf"\+{child.aug}\d+", child.id) or child.group_id != parent.group_id:
            wrong.append(_tell("id", parent, child))
    rules = augment.Rules(held_out=run.corpus.held_out)
    more, _ = augment.augment((*run.corpus.train, *run.variants), run.ops, run.corpus.seed, rules=rules)
    return wrong + [f"a second run adds {child.id}" for child in more]


@invariant(18)
def characters_and_length_are_kept(run: Run) -> list[str]:
    wrong = []
    for parent, child in run.pairs:
        if unicodedata.is_normalized("NFC", parent.text) and not unicodedata.is_normalized("NFC", child.text):
            wrong.append(_tell("no longer NFC", parent, child))
        new = {*child.text} - {*parent.text, "\n"}
        if any(unicodedata.category(character)[0] == "C" for character in new):
            wrong.append(_tell("control characters", parent, child, new))
        if not 0.5 <= len(child.text) / len(parent.text) <= 2:
            wrong.append(_tell("length", parent, child))
    return wrong


@invariant(19)
def every_attempt_is_made_or_counted(run: Run) -> list[str]:
    asked = 5 * len(run.corpus.train)
    found = len(run.variants) + sum(run.drops.values())
    unnamed = [reason for reason in run.drops if not re.fullmatch(r"[a-z]+: \S.*", reason)]
    return [f"{asked} asked, {found} made or counted: {run.drops}"] * (asked != found) + unnamed


@invariant(20)
def a_person_can_read_pairs(run: Run) -> list[str]:
    text = sample_pairs.as_text((*run.corpus.train, *run.variants), run.corpus.seed)
    shown = sum(
        f"  original\n{_indented(parent)}\n  variant\n{_indented(child)}\n" in text for parent, child in run.pairs
    )
    expected = min(20, len(run.pairs))
    return [f"{shown} pairs of {expected} can be read:\n{text}"] * (shown != expected)


def _indented(example: Example) -> str:
    return "\n".join(f"    {line}" for line in example.text.strip().split("\n"))
