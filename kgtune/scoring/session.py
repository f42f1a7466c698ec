"""One run of the scorer: gold and answer files in step, document by document, into one result.

Knows nothing about command lines beyond the arguments it is given, nor about metrics.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgtune import ontology as ontologies
from kgtune import runs
from kgtune.errors import DataError, Problem, UserError
from kgtune.ontology import Ontology
from kgtune.scoring import earlier, files, gate
from kgtune.scoring.documents import Document, Judged
from kgtune.scoring.earlier import Earlier
from kgtune.scoring.files import Answers, Item
from kgtune.scoring.gate import Condition
from kgtune.scoring.leakage import Identity, Trained
from kgtune.scoring.likeness import Aliases
from kgtune.scoring.scoreboard import Scoreboard, written_document
from kgtune.scoring.statistics import Bootstrap
from kgtune.scoring.tally import Rules

PRODUCER = "kgtune.scoring"
_LIBRARIES = ("numpy", "rapidfuzz", "json-repair", "pydantic")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of answers, and the column of it when it is an earlier evaluation."""

    path: Path
    column: str | None = None

    @classmethod
    def of(cls, text: str) -> Source:
        """Read FILE or FILE:COLUMN; a file whose name has a colon is found as it stands."""
        path, colon, column = text.rpartition(":")
        return cls(Path(text)) if not colon or Path(text).exists() else cls(Path(path), column)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be scored, and by what rules."""

    gold: Path
    systems: dict[str, Source]
    again: dict[str, list[Source]]
    train: Path | None
    split: str
    ontology: str
    aliases: Aliases
    required: tuple[Condition, ...]
    compare_to: Source | None
    bootstrap: Bootstrap
    keeps_documents: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> Task:
        """Check the arguments before any file is walked."""
        systems: dict[str, Source] = {}
        for text in args.pred:
            name, equals, rest = text.partition("=")
            name = name if equals else "answers"
            if name in systems:
                raise UserError(
                    f'--pred: there are two systems "{name}". Name them: --pred base=FILE --pred tuned=FILE.'
                )
            systems[name] = Source.of(rest if equals else text)
        again: dict[str, list[Source]] = {}
        for text in args.again:
            name, _, rest = text.partition("=")
            if name not in systems or not rest:
                raise UserError(f"--again {text}: names no system. There are: {', '.join(systems)}.")
            again.setdefault(name, []).append(Source.of(rest))
        required = dict(text.split("=", 1) if "=" in text else (text, "") for text in args.require)
        if not 100 <= args.resamples <= 100_000:
            raise UserError(f"--resamples {args.resamples}: give 100 to 100000.")
        return cls(
            Path(args.gold), systems, again, Path(args.train) if args.train else None, args.split, args.ontology,
            _aliases(args.aliases), gate.conditions(required, where="--require"),
            Source.of(args.compare_to) if args.compare_to else None, Bootstrap(args.resamples, args.seed),
            args.documents,
        )  # fmt: skip


@dataclass(slots=True)
class _Files:
    """What is open: answers by system, in step with the gold file."""

    answers: dict[str, Answers]
    again: dict[str, list[Answers]]
    paired_by: dict[str, str]
    skipped: Counter[str] = field(default_factory=Counter)
    gold_formats: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)


def score(task: Task) -> dict[str, Any]:
    """Walk the gold file once (and once before, where the ontology is to be found), and score every answer."""
    trained = _trained(task.train)
    rules = Rules(_ontology(task), task.aliases, frozenset(trained.names) if task.train else None)
    then = _earlier(task)
    board = Scoreboard(list(task.systems), rules, task.bootstrap)
    opened = _opened(task)
    documents = []
    for item, document, judged in _walk(task, opened, trained):
        rows = board.add(document, judged)
        if then is not None:
            then.add(document, rows[list(task.systems)[-1]], rules)
        if task.keeps_documents:
            documents.append(written_document(document, judged, rows))
        for system, runs_ in opened.again.items():
            others = [files.judged(document, run.of(item, board.num_rows - 1)).graph for run in runs_]
            board.add_runs(document, system, [judged[system].graph, *others])
    systems = list(task.systems)
    result = {
        **board.results([(systems[0], other) for other in systems[1:]]),
        "producer": PRODUCER,
        "earlier": then.result(task.bootstrap) if then else None,
        "documents": documents,
        "gold": {"path": str(task.gold), "sha256": _hash(task.gold), "formats": dict(opened.gold_formats),
                 "skipped": dict(opened.skipped)},
        "answers": {name: _answers_facts(name, source, opened) for name, source in task.systems.items()},
        "ontology_sha256": rules.ontology.hash,
        **runs.provenance(libraries=_LIBRARIES),
    }  # fmt: skip
    return {**result, "gate": gate.judge(result, task.required, systems[-1])}


def keep(result: dict[str, Any], path: Path) -> None:
    """Write the result."""
    runs.write_json_atomic(path, result)


def _walk(task: Task, opened: _Files, trained: Trained) -> Iterator[tuple[Item, Document, dict[str, Judged]]]:
    seen: set[str] = set()
    problems: list[Problem] = []
    place = 0
    for item in files.measured(task.gold, task.split, opened.skipped):
        document = files.document(item, default_id=f"#{place + 1}")
        if document.id in seen:
            problems.append(Problem("E-DUPLICATE-RECORD", item.where, f'id "{document.id}" stands twice.',
                                    "Give each document its own id."))  # fmt: skip
            continue
        seen.add(document.id)
        leak = trained.leak(Identity(item.id, item.named("doc_id"), item.named("group_id"), item.text or ""))
        if leak is not None:
            problems.append(leak)
        judged = {}
        for system, answers in opened.answers.items():
            answer = answers.of(item, place)
            opened.missing[system] += answer is None
            judged[system] = files.judged(document, answer)
        opened.gold_formats[item.format] += 1
        place += 1
        yield item, document, judged
    if problems:
        raise DataError(problems, summary=f"{task.gold}: {len(problems)} rows can't be measured.")
    if not place:
        skipped = ", ".join(f"{count} {what}" for what, count in opened.skipped.items()) or "nothing"
        raise UserError(f"{task.gold}: no row to measure; passed over: {skipped}. Name the rows with --split.")


def _opened(task: Task) -> _Files:
    def answers(source: Source, by: str) -> Answers:
        return Answers(files.read(source.path, source.column), by)

    by = {name: files.pairing(task.gold, source.path, source.column) for name, source in task.systems.items()}
    return _Files(
        {name: answers(source, by[name]) for name, source in task.systems.items()},
        {name: [answers(source, by[name]) for source in sources] for name, sources in task.again.items()},
        by,
    )


def _answers_facts(name: str, source: Source, opened: _Files) -> dict[str, Any]:
    answers = opened.answers[name]
    return {
        "path": str(source.path) + (f":{source.column}" if source.column else ""),
        "sha256": _hash(source.path),
        "num_left": answers.num_left(),
        "formats": dict(answers.formats),
        "paired_by": opened.paired_by[name],
        "num_missing": opened.missing[name],
    }


def _trained(path: Path | None) -> Trained:
    trained = Trained()
    for item in files.read(path) if path else ():
        if item.named("split") in ("", "train"):
            document = files.document(item, default_id=item.where)
            identity = Identity(item.id, item.named("doc_id"), item.named("group_id"), item.text or "")
            trained.add(identity, document.gold)
    return trained


def _ontology(task: Task) -> Ontology:
    if task.ontology != "auto":
        return ontologies.load(task.ontology)
    labels: Counter[str] = Counter()
    types: Counter[str] = Counter()
    pairs: set[tuple[str, str, str]] = set()
    for item in files.measured(task.gold, task.split, Counter()):
        graph = files.raw_graph(item)  # not checked: the walk that follows refuses what is wrong
        label_of = {str(entity.get("id")): str(entity.get("labels")) for entity in graph["entities"]}
        edges = [tuple(str(edge.get(key)) for key in ("source", "type", "target")) for edge in graph["relationships"]]
        labels.update(label_of.values())
        types.update(kind for _, kind, _ in edges)
        pairs.update(
            (label_of[source], kind, label_of[target])
            for source, kind, target in edges
            if source in label_of and target in label_of
        )
    return ontologies.choose("auto", labels, types, pairs)


def _earlier(task: Task) -> Earlier | None:
    if task.compare_to is None:
        return None
    return earlier.read(task.compare_to.path, task.compare_to.column or list(task.systems)[-1])


def _aliases(path: str | None) -> Aliases:
    if path is None:
        return Aliases()
    try:
        groups = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"--aliases {path}: can't be read: {error}. Give a JSON object of lists.") from None
    is_table = isinstance(groups, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in groups.values()
    )
    if not is_table:
        raise UserError(f'--aliases {path}: is no table. Write {{"OceanLotus": ["APT32", "海莲花"]}}.')
    return Aliases(groups)


def _hash(path: Path) -> str | None:
    return None if path.is_dir() else runs.file_hash(path)
