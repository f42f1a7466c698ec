"""Shape (a): one global graph whose entities and relationships each list the chunks they were found in.

Knows nothing about files' encodings or syntax. A chunk is one document of ours: chunk numbers repeat across
documents and are spelled `chunk_index` or `chunk_id`, so a chunk is known by its document and its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgtune import grounding
from kgtune.graph import slug
from kgtune.sources import assembly, fields
from kgtune.sources.findings import Findings, RawDocument
from kgtune.sources.head import Head
from kgtune.sources.reader import Options, scan
from kgtune.sources.scanner import FAULT
from kgtune.spelling import nearest

_TITLE_KEYS = ("document_title", "document_id", "source", "file_name", "filename", "url", "title")
Item = tuple[str, Mapping[str, Any]]


@dataclass(slots=True)
class _Chunk:
    """A chunk while it is gathered: what lists it, and where it was first seen."""

    title: str
    number: str
    text: str
    where: str
    entities: list[Item] = field(default_factory=list)
    relationships: list[Item] = field(default_factory=list)


def recognises(head: Head) -> bool:
    """Tell one object of entities and relationships that has no text of its own."""
    whole = head.whole
    return (
        whole is not None
        and bool({"entities", "relationships"} & whole.keys())
        and not {"text", "input"} & whole.keys()
    )


def documents(path: Path, options: Options, findings: Findings) -> Iterator[RawDocument]:
    """Read a chunk-indexed graph into one document per distinct chunk."""
    chunks: dict[tuple[str, str], _Chunk] = {}
    by_id: dict[str, list[Item]] = {}
    for key, where, item in _items(path, findings):
        if key == "entities":
            by_id.setdefault(str(item.get("id") or item.get("name")).strip(), []).append((where, item))
        for chunk in _chunks_of(item, where, chunks, findings):
            (chunk.entities if key == "entities" else chunk.relationships).append((where, item))
    ids = _chunk_ids(path, list(chunks.values()))
    for chunk, identity in zip(chunks.values(), ids, strict=True):
        document = _document(chunk, identity, path, by_id, options.default_confidence, findings)
        if document is not None:
            yield document


def _items(path: Path, findings: Findings) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for key, record in scan(path, findings).members():
        if key not in ("entities", "relationships"):
            findings.note(f"top-level key ignored: {key}")
            continue
        where = f"{path}:{record.line}: {key}[{record.index}]"
        findings.note(f"{key} read")
        if not isinstance(record.value, Mapping):
            findings.problem(
                "E-TYPE",
                where,
                f"is {type(record.value).__name__}, not an object: nothing of it could be read.",
                "Give an object.",
            )
        else:
            yield key, where, record.value


def _chunks_of(
    item: Mapping[str, Any], where: str, chunks: dict[tuple[str, str], _Chunk], findings: Findings
) -> Iterator[_Chunk]:
    infos = item.get("chunks_info")
    if not isinstance(infos, list) or not infos:
        others = [key for key, value in item.items() if isinstance(value, list)]
        close = None if "chunks_info" in item else nearest("chunks_info", others)
        fix = f'Did you mean chunks_info by "{close}"?' if close else "Say which chunk it was found in."
        findings.problem("E-NO-CHUNK", f"{where}.chunks_info", "names no chunk.", fix)
        return
    seen: set[tuple[str, str]] = set()
    for i, info in enumerate(infos):
        place = f"{where}.chunks_info[{i}]"
        if not isinstance(info, Mapping):
            findings.problem("E-TYPE", place, "is not an object.", "Give chunk_index and chunk_content.")
            continue
        text = fields.string(info, "chunk_content", place, findings, required=True)
        if text is None:
            continue
        title, number = _title(info), _number(info)
        key = (title, hashlib.sha256(text.encode("utf-8")).hexdigest())
        chunk = chunks.setdefault(key, _Chunk(title, number, text, place))
        chunk.number = chunk.number or number
        if key not in seen:
            seen.add(key)
            yield chunk


def _metadata(info: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = info.get("source_metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _title(info: Mapping[str, Any]) -> str:
    for source in (_metadata(info), info):
        for key in _TITLE_KEYS:
            if isinstance(source.get(key), str) and source[key].strip():
                return fields.clean(source[key]).strip()
    return ""


def _number(info: Mapping[str, Any]) -> str:
    for source, key in ((info, "chunk_index"), (info, "chunk_id"), (_metadata(info), "chunk_id")):
        if isinstance(source.get(key), int | str) and str(source[key]).strip():
            return str(source[key]).strip()
    return ""


def _chunk_ids(path: Path, chunks: list[_Chunk]) -> list[str]:
    taken: set[str] = set()
    ids = []
    for chunk in chunks:
        digest = hashlib.sha256(chunk.text.encode("utf-8")).hexdigest()[:12]
        identity = f"{slug(chunk.title or path.stem)}#{chunk.number or digest}"
        identity = f"{identity}-{digest}" if identity in taken else identity
        taken.add(identity)
        ids.append(identity)
    return ids


def _document(
    chunk: _Chunk,
    identity: str,
    path: Path,
    by_id: Mapping[str, list[Item]],
    default_confidence: float,
    findings: Findings,
) -> RawDocument | None:
    findings.counts["read"] += 1
    before = len(findings.problems)
    if fault := _fault(chunk):
        findings.dropped(fault)
        return None
    edges = _pull_in_ends(chunk, by_id, findings)
    if not chunk.entities:
        # An empty graph would teach that this text says nothing, when only the ends' names are elsewhere.
        findings.dropped("chunk whose relationships all have their ends in other chunks")
        return None
    read = assembly.graph(chunk.entities, edges, default_confidence, findings)
    lang = grounding.language_of(chunk.text)
    doc_id = slug(chunk.title) if chunk.title else path.stem
    document = RawDocument(identity, doc_id, chunk.text, read.graph, lang, where=f"{chunk.where} (id={identity})")
    if read.is_whole:
        return document
    findings.dropped(findings.problems[before].code)
    findings.partial(document, read.entity_places, read.edge_places)
    return None


def _fault(chunk: _Chunk) -> str:
    return next((str(item[FAULT]) for _, item in chunk.entities + chunk.relationships if FAULT in item), "")


def _pull_in_ends(chunk: _Chunk, by_id: Mapping[str, list[Item]], findings: Findings) -> list[Item]:
    """Add ends that another chunk holds and this chunk's text names; leave out relationships that lack one."""
    haystack = grounding.Haystack(chunk.text)
    here = {str(item.get("id") or item.get("name")).strip() for _, item in chunk.entities}
    kept = []
    for where, item in chunk.relationships:
        ends = [str(item.get(end, "")).strip() for end in ("source", "target")]
        missing = [end for end in ends if end not in here and end in by_id]
        pulled = [_named_here(by_id[end], haystack) for end in missing]
        if any(one is None for one in pulled):
            findings.note("relationship left out: an end is not named in its chunk")
            continue
        for end, one in zip(missing, pulled, strict=True):
            if one is not None and end not in here:
                chunk.entities.append(one)
                here.add(end)
                findings.note("entity pulled in from another chunk")
        kept.append((where, item))
    return kept


def _named_here(rows: list[Item], haystack: grounding.Haystack) -> Item | None:
    for where, item in rows:
        name = item.get("name")
        if isinstance(name, str) and haystack.first(name):
            return where, item
    return None
