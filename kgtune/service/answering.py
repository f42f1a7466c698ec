"""From an extraction to the answer of the API: the graph as asked for, and the headers that tell of its faults.

Knows nothing about HTTP frameworks, queues or models.
"""

from __future__ import annotations

import dataclasses
import json
import string
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from kgtune import export
from kgtune.export import Document
from kgtune.extraction.extractor import Extraction
from kgtune.extraction.selection import Selection, Wanted, select
from kgtune.graph import Graph
from kgtune.ontology import Ontology
from kgtune.service import refusals
from kgtune.service.jobs import Job
from kgtune.service.refusals import RefusalError

# What a header holds of findings, which may quote a label of any length and script.
_MOST_FINDINGS, _MOST_CHARS = 5, 100
_PLAIN = string.punctuation.replace("%", "").replace(";", "") + " "


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wants to be answered: of which text, which part of the graph, in which format."""

    text: str
    wanted: Wanted
    stats: bool = False
    format: str = "json"
    document: Document = field(default_factory=Document)
    ontology: Ontology | None = None
    num_control_characters: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, what it came from, and the headers that tell of its faults."""

    media_type: str
    content: bytes
    headers: dict[str, str]
    graph: Graph
    selection: Selection


def answer(extraction: Extraction, job: Job, asked: Asked) -> Answer:
    """Show the graph of an extraction. Raises a RefusalError where its answer was no graph."""
    if extraction.graph is None:
        raise refusals.unreadable(extraction)
    shown, selection = select(extraction.graph, asked.text, asked.wanted, extraction.merged)
    headers = fault_headers(extraction, selection, asked)
    findings = unplaced(asked)
    if asked.stats or asked.wanted.offsets:
        # Additions have a place in JSON alone; check_format has refused them elsewhere.
        value = shown | ({"stats": statistics(extraction, job, selection)} if asked.stats else {})
        headers |= findings_header(findings)
        return Answer("application/json", dumps(value), headers, selection.graph, selection)
    exported = export.render(selection.graph, asked.text, asked.format, asked.document, asked.ontology)
    headers |= findings_header(exported.findings + findings)
    return Answer(export.FORMATS[asked.format].media_type, exported.content, headers, selection.graph, selection)


def unplaced(asked: Asked) -> Counter[str]:
    """Count what the caller says of the document and the format has no place for."""
    return export.unplaced(asked.document, asked.format)


def findings_header(findings: Counter[str]) -> dict[str, str]:
    """Name findings with their counts, the most frequent first; what is not ASCII is percent-encoded UTF-8."""
    if not findings:
        return {}
    told = [f"{count} {quote(reason[:_MOST_CHARS], _PLAIN)}" for reason, count in findings.most_common(_MOST_FINDINGS)]
    more = [f"and {len(findings) - _MOST_FINDINGS} more"] if len(findings) > _MOST_FINDINGS else []
    return {"X-Export-Findings": "; ".join([*told, *more])}


def fault_headers(extraction: Extraction, selection: Selection, asked: Asked) -> dict[str, str]:
    """Say what is not as it should be; an answer without faults has none of these."""
    headers = {"X-Truncated": "true"} if extraction.finish_reason == "length" else {}
    if selection.dropped:
        headers["X-Dropped"] = str(selection.dropped.total())
    if ungrounded := selection.ungrounded.total():
        headers["X-Ungrounded"] = str(ungrounded)
    if extraction.merged is not None:
        headers["X-Windows"] = str(len(extraction.merged.windows))
        if extraction.merged.lost:
            headers["X-Lost"] = str(extraction.merged.lost.total())
    if asked.num_control_characters:
        headers["X-Control-Characters"] = str(asked.num_control_characters)
    return headers


def check_format(format_: str, *, stats: bool, offsets: bool) -> None:
    """Refuse a format that has no place for what is asked to be added."""
    if format_ != "json" and (stats or offsets):
        what = f"body.format: {format_} has no place for stats or offsets."
        raise RefusalError(422, "invalid", f"{what} Leave them out, or ask for json.")


def statistics(extraction: Extraction, job: Job, selection: Selection) -> dict[str, Any]:
    """Say what the answer cost and what was done to it."""
    found: dict[str, Any] = {
        "finish_reason": extraction.finish_reason,
        "num_prompt_tokens": extraction.num_prompt_tokens,
        "num_answer_tokens": extraction.num_answer_tokens,
        "queue_ms": round(1000 * job.waited_s, 1),
        "extract_ms": round(1000 * job.worked_s, 1),
        "num_texts_in_batch": job.num_in_batch,
        "dropped": dict(selection.dropped),
        "withheld": dict(selection.withheld),
        "ungrounded": dict(selection.ungrounded),
    }
    if extraction.merged is not None:
        found |= extraction.merged.to_object()
    if extraction.statistics is not None:
        found["decoding"] = dataclasses.asdict(extraction.statistics)
    return found


def dumps(value: Any) -> bytes:
    """Serialise as the graph itself is: compact, Unicode kept, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
