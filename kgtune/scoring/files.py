"""Gold and answers from files: our rows, graphs and answers, an earlier evaluation, and foreign formats.

Knows nothing about scores. The shape of a record is found out by looking; what can't be read is refused with its
place, what is passed over (train rows, variants, answers to no document) is counted.

    rows         {input, output, id?, doc_id?, group_id?, split?, lang?, aug?}, as in training_data.json
    texts        {id?, text, entities, relationships}
    answers      {id, answer | graph, text?}; inference.py writes {source, graph}
    evaluation   evaluation_results.json, one of its columns: PATH:COLUMN
    triples, instruction rows: see foreign
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.errors import DataError, Problem, UserError
from kgtune.graph import Graph, from_object, reference_problems, to_object
from kgtune.parsing import Parsed, parse_answer
from kgtune.runs import text_hash
from kgtune.scoring import foreign, records
from kgtune.scoring.documents import Document, Judged, judge, judge_graph
from kgtune.scoring.negatives import kind_of
from kgtune.scoring.records import Record


@dataclass(frozen=True, slots=True)
class Item:
    """One record. Of `answer` (raw text) and `graph` one is there, neither where a system gave no answer."""

    where: str
    format: str
    id: str = ""
    text: str | None = None
    answer: str | None = None
    graph: Graph | None = None
    has_details: bool = True
    is_truncated: bool = False
    probabilities: tuple[float, ...] = ()
    head: Mapping[str, Any] = field(default_factory=dict)

    def named(self, key: str) -> str:
        """Return a text of the record's head; a number is written out, a missing one is empty."""
        value = self.head.get(key)
        return str(value) if isinstance(value, str | int) else ""


def read(path: Path, column: str | None = None) -> Iterator[Item]:
    """Yield the items of a file or folder."""
    for record in records.read(path):
        yield item(record, column)


def item(record: Record, column: str | None = None) -> Item:
    """Read one record, whatever its shape."""
    value, where = record.value, record.where
    if not isinstance(value, dict):
        raise _refused(where, f"is {type(value).__name__}, not an object.", "Give one object per document.")
    # inference.py calls the file that a graph is from its source; elsewhere that word names a feed or a data set
    keys = ("id", "source") if "graph" in value else ("id",)
    identity = next((str(value[key]) for key in keys if isinstance(value.get(key), str | int)), record.stem)
    text = next((value[key] for key in ("text", "input") if isinstance(value.get(key), str)), None)
    head: dict[str, Any] = {"where": where, "id": identity, "text": text, "head": value}
    if "gold" in value:
        return _of_evaluation(value, column, head)
    try:
        if foreign.is_triples(value):
            return Item(format="triples", graph=foreign.from_triples(value), has_details=False, **head)
        if foreign.is_row(value):
            return _of_foreign_row(value, head)
    except foreign.ForeignError as error:
        raise _refused(where, f"{error}.", "Correct it, or leave the record out.") from None
    for key in ("output", "answer", "graph"):
        if key in value:
            return _of_own(value[key], "rows" if key == "output" else "answers", head)
    if isinstance(value.get("entities"), list) and isinstance(value.get("relationships"), list):
        return _of_own({key: value[key] for key in ("entities", "relationships")}, "texts", head)
    known = "output, answer, graph, entities and relationships, triplets, or entity and relation"
    raise _refused(where, f"holds none of {known}.", "See `python -m kgtune.scoring --help` for the formats.")


def _of_own(given: object, format_: str, head: Mapping[str, Any]) -> Item:
    if isinstance(given, str) or given is None:
        return Item(format=format_, answer=given, **head)
    filled, has_details = _filled(given)
    graph, problems = from_object(filled)
    if problems:  # judged as the text it would be, so that its faults are named like any other
        return Item(format=format_, answer=json.dumps(given, ensure_ascii=False), **head)
    return Item(format=format_, graph=graph, has_details=has_details, **head)


def _filled(graph: object) -> tuple[object, bool]:
    """Add what a system that hands out objects may leave out, and say whether it stated confidence and evidence."""
    if not isinstance(graph, dict):
        return graph, True
    lists: dict[str, object] = dict(graph)
    has_details = True
    for key, defaults in (("entities", {"description": ""}), ("relationships", {"confidence": 1.0, "evidence": ""})):
        items = graph.get(key)
        if isinstance(items, list) and all(isinstance(one, dict) for one in items):
            lists[key] = [{**defaults, **one} for one in items]
            has_details &= key == "entities" or all(defaults.keys() <= one.keys() for one in items)
    return lists, has_details


def _of_foreign_row(value: Mapping[str, Any], head: Mapping[str, Any]) -> Item:
    if "instruction" in value:
        text = foreign.instruction_text(value)
        graph = foreign.from_output(value["output"])
        return Item(format="instructions", graph=graph, has_details=False, **{**head, "text": text})
    return Item(format="rows by name", graph=foreign.from_row(value), has_details=False, **head)


def _of_evaluation(value: Mapping[str, Any], column: str | None, head: Mapping[str, Any]) -> Item:
    """Read a document of evaluation_results.json; version 1 had the columns beside the gold graph."""
    if column is None:
        return Item(format="evaluation", answer=value["gold"], **head)
    columns = value.get("answers", value)
    if not isinstance(columns, Mapping) or not isinstance(columns.get(column), Mapping):
        there = sorted(key for key, one in columns.items() if isinstance(one, Mapping) and "answer" in one)
        raise UserError(f'{head["where"]}: has no column "{column}". There are: {", ".join(there) or "none"}.')
    answer = columns[column]
    is_truncated = bool(answer.get("is_truncated", answer.get("cut", False)))
    known = tuple(answer.get("probabilities", ()))  # since version 3
    return Item(
        format="evaluation", answer=answer.get("answer"), is_truncated=is_truncated, probabilities=known, **head
    )


def document(gold: Item, *, default_id: str = "") -> Document:
    """Make a gold document of an item; a gold graph that breaks the contract is refused."""
    graph = gold.graph
    if graph is None:
        parsed = parse_answer(gold.answer or "")
        if not isinstance(parsed, Parsed):
            why = parsed.detail or parsed.reason
            raise _refused(gold.where, f"the gold graph can't be read: {why}.", "Correct it, or leave the row out.")
        graph = parsed.graph
    if problems := reference_problems(graph, where=gold.where):
        raise DataError(problems)
    lang = gold.named("lang") or (grounding.language_of(gold.text) if gold.text else "")
    kind = kind_of(is_empty=graph.is_empty, text=gold.text, group_id=gold.named("group_id"), stated=gold.named("kind"))
    source = gold.named("source") if gold.named("source") != gold.id else ""
    return Document(gold.id or default_id, graph, gold.text, gold.named("doc_id"), lang, source, kind)


def raw_graph(gold: Item) -> dict[str, list[dict[str, Any]]]:
    """Return a gold graph's two lists, unchecked and quickly; of what is no graph, empty ones."""
    value: Any = to_object(gold.graph) if gold.graph is not None else None
    if value is None:
        try:
            value = json.loads(gold.answer or "")
        except (ValueError, RecursionError):
            value = None
    lists = {key: value.get(key) if isinstance(value, dict) else None for key in ("entities", "relationships")}
    return {
        key: [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        for key, items in lists.items()
    }


def judged(doc: Document, answer: Item | None) -> Judged:
    """Judge a system's item, or the lack of one."""
    if answer is not None and answer.graph is not None:
        return judge_graph(doc, answer.graph, has_details=answer.has_details)
    found = judge(doc, answer.answer if answer else None, is_truncated=answer is not None and answer.is_truncated)
    return replace(found, probabilities=answer.probabilities) if answer else found


def measured(path: Path, split: str, skipped: Counter[str]) -> Iterator[Item]:
    """Yield the gold items that are to be measured: of rows that carry a split, those of one; variants never."""
    for one in read(path):
        if one.named("aug"):
            skipped["augmented rows"] += 1
        elif one.named("split") not in ("", split):
            skipped[f"{one.named('split')} rows"] += 1
        else:
            yield one


class Answers:
    """One system's answers, found by id, by text, or by place; read forward, so that files in one order stay small."""

    def __init__(self, items: Iterator[Item], by: str) -> None:
        self._items = enumerate(items)
        self._by = by
        self._waiting: dict[str, Item] = {}
        self._taken: set[str] = set()
        self.formats: Counter[str] = Counter()

    def of(self, gold: Item, place: int) -> Item | None:
        """Return the answer to a gold item, None when there is none."""
        wanted = key_of(gold, place, self._by)
        while wanted not in self._waiting and (read := next(self._items, None)) is not None:
            number, found = read
            key = key_of(found, number, self._by)
            if key in self._waiting or key in self._taken:
                raise _refused(found.where, f'answers "{key}" a second time.', "Keep one answer per document.")
            self.formats[found.format] += 1
            self._waiting[key] = found
        self._taken.add(wanted)
        return self._waiting.pop(wanted, None)

    def num_left(self) -> int:
        """Count the answers that belong to no gold document."""
        return len(self._waiting) + sum(1 for _ in self._items)


def key_of(one: Item, place: int, by: str) -> str:
    """Return what an item is found by."""
    if by == "place":
        return str(place)
    key = one.id if by == "id" else text_hash(one.text) if one.text else ""
    if not key:
        raise _refused(one.where, f"has no {by}, by which answers are found.", f"Give each record its {by}.")
    return key


def pairing(gold: Path, answers: Path, column: str | None) -> str:
    """Choose what two files are paired by: ids where both have them, else texts, else the place in the file."""
    first = [next(read(gold), None), next(read(answers, column), None)]
    if None in first:
        empty = gold if first[0] is None else answers
        raise _refused(str(empty), "holds no records.", "Give a file with documents.")
    if all(one and one.id for one in first):
        return "id"
    if all(one and one.text for one in first):
        return "text"
    if not any(one and one.id for one in first):
        return "place"
    raise _refused(str(answers), f"can't be paired with {gold}: only one of them has ids.", "Give both ids, or texts.")


def _refused(where: str, what: str, fix: str) -> DataError:
    return DataError([Problem("E-SCORING", where, what, fix)])
