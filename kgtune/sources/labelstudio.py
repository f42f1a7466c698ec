"""Label Studio's JSON export: tasks with a text, and annotations of labelled spans and relations between them.

Knows nothing about files. Spans count UTF-16 units, as browsers do, and each carries the text that it covers:
a span is believed only where the two agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.sources import fields, mentions
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.mentions import Annotation, Link, Mention
from kgtune.sources.passage import Passage, Place
from kgtune.sources.reader import Options, each_record
from kgtune.sources.scanner import Record, place
from kgtune.sources.texts import identity_of

_ANNOTATION_KEYS = ("annotations", "completions")
_TEXT_KEYS = ("text", "content", "document", "body", "report", "正文", "文本")


def recognises(head: Head) -> bool:
    """Tell tasks: an object under `data`, and a list of annotations or predictions."""
    return any(
        isinstance(item.get("data"), Mapping) and {*_ANNOTATION_KEYS, "predictions"} & item.keys()
        for item in head.items
    )


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read one document a task."""

    def read(task: dict[str, Any], record: Record) -> RawDocument | str | None:
        where = place(path, record, task.get("id"))
        return _document(path, task, where, options.default_confidence, findings)

    return each_record(path, findings, read)


def _document(
    path: Path, task: Mapping[str, Any], where: str, default_confidence: float, findings: Findings
) -> RawDocument | str | None:
    before = len(findings.problems)
    if task.get("predictions"):
        findings.note("predictions of a task ignored")
    results = _results(task, findings)
    if isinstance(results, str):
        return results
    kinds = Counter(str(result.get("type")) for result in results)
    if foreign := next((kind for kind in kinds if kind in ("hypertextlabels", "paragraphlabels")), ""):
        return f"Label Studio task annotated as {foreign}, not over plain text"
    if results and not {"labels", "relation"} & kinds.keys():
        return f"Label Studio task without spans: only {', '.join(sorted(kinds))}"
    for kind in sorted(kinds.keys() - {"labels", "relation"}):
        findings.note(f"result of a task ignored: {kind}", kinds[kind])
    text = _text(task, where, findings)
    if text is None:
        return None
    passage = Passage(text)
    annotation = _annotation(passage, results, where, findings)
    if len(findings.problems) > before:
        return None
    graph = mentions.graph(passage, annotation, default_confidence, findings)
    if graph is None:
        return None
    identity = _identity(path, task, passage.text)
    return RawDocument(identity, identity, passage.text, graph, grounding.language_of(passage.text), where=where)


def _results(task: Mapping[str, Any], findings: Findings) -> list[Mapping[str, Any]] | str:
    """Return the results of the first annotation that was not cancelled, or why there is none."""
    found: list[Any] = next((task[key] for key in _ANNOTATION_KEYS if isinstance(task.get(key), list)), [])
    given = [one for one in found if isinstance(one, Mapping)]
    kept = [one for one in given if not (one.get("was_cancelled") or one.get("skipped"))]
    if cancelled := len(given) - len(kept):
        findings.note("annotation cancelled, skipped", cancelled)
    if not kept:
        return "Label Studio task whose annotations are all cancelled" if given else "Label Studio task not annotated"
    if len(kept) > 1:
        findings.note("annotation of a further annotator ignored", len(kept) - 1)
    results = kept[0].get("result")
    return [result for result in results if isinstance(result, Mapping)] if isinstance(results, list) else []


def _text(task: Mapping[str, Any], where: str, findings: Findings) -> str | None:
    data = task["data"] if isinstance(task.get("data"), Mapping) else {}
    strings = [key for key, value in data.items() if isinstance(value, str)]
    key = next((key for key in _TEXT_KEYS if key in strings), strings[0] if len(strings) == 1 else None)
    if key is None:
        what = f"which of its data is the text? It has {', '.join(map(str, data)) or 'nothing'}."
        findings.problem("E-NO-TEXT", f"{where}: data", what, 'Name the text "text" in the labelling set-up.')
        return None
    return data[key] if fields.string(data, key, f"{where}: data", findings, required=True) is not None else None


def _annotation(passage: Passage, results: list[Mapping[str, Any]], where: str, findings: Findings) -> Annotation:
    annotation = Annotation()
    for number, result in enumerate(results):
        place = f"{where}: result[{number}]"
        if result.get("type") == "labels":
            mention = _mention(passage, result, number, place, findings)
            if mention is not None:
                annotation.mentions.append(mention)
        elif result.get("type") == "relation":
            annotation.links += _links(result, place, findings)
    return annotation


def _mention(
    passage: Passage, result: Mapping[str, Any], number: int, where: str, findings: Findings
) -> Mention | None:
    value = result["value"] if isinstance(result.get("value"), Mapping) else {}
    labels = fields.strings(value.get("labels"))
    if not labels:
        findings.problem("E-LABEL", where, "has no label.", "Label the span, or remove it.")
        return None
    if len(labels) > 1:
        findings.note("several labels, first taken")
    place = _place(passage, value, where, findings)
    key = str(result.get("id") or f"m{number + 1}")
    return None if place is None else Mention(key, labels[0], where, (place,))


def _place(passage: Passage, value: Mapping[str, Any], where: str, findings: Findings) -> Place | None:
    start, end, surface = value.get("start"), value.get("end"), value.get("text")
    if type(start) is not int or type(end) is not int:
        findings.problem("E-SPAN", where, f"goes from {start!r} to {end!r}.", "Export again as JSON.")
        return None
    if not isinstance(surface, str) or not surface.strip():
        findings.note("span without its text, not verified")
        place, what = passage.utf16_place(start, end), f"goes from {start} to {end}, which is no span of the text."
    else:
        found = passage.find(start, end, surface)
        place, there = found.place if found else None, passage.raw[max(0, start) : end][:60]
        what = f'should read "{surface}", which stands nowhere in the text; from {start} to {end} it reads "{there}".'
        if found and found.how:
            findings.note(f"span read by {found.how}")
    if place is None:
        findings.problem("E-SPAN", where, what, "Mark it again in Label Studio, and export again.")
    return place


def _links(result: Mapping[str, Any], where: str, findings: Findings) -> list[Link]:
    labels = fields.strings(result.get("labels"))
    if not labels:
        findings.problem("E-LABEL", where, "is a relation without a label.", "Label it, or remove it.")
    ends = [(str(result.get("from_id")), str(result.get("to_id")))]
    direction = result.get("direction") or "right"
    if direction == "left":
        ends = [(ends[0][1], ends[0][0])]
    elif direction == "bi":
        findings.note("relation in both directions, read as two")
        ends.append((ends[0][1], ends[0][0]))
    return [Link(label, source, target, where) for label in labels for source, target in ends]


def _identity(path: Path, task: Mapping[str, Any], text: str) -> str:
    if not isinstance(task.get("id"), int | str):
        return identity_of(path, text)
    project = task.get("project")
    return f"project{project}-task{task['id']}" if isinstance(project, int) else f"{path.stem}-task{task['id']}"
