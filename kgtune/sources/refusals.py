"""What people hold that no reader takes: recognised by name, with the nearest form that is read and the way there.

Knows nothing about how anything is read. Each entry looks at the start of a file only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kgtune.errors import Problem
from kgtune.sources.columns import TABLE
from kgtune.sources.head import Head

TEXTS = (
    'JSON Lines of {"text", "entities": [{"labels", "id", "name"}], "relationships": [{"type", "source", "target"}]}'
)
DOCCANO = (
    'doccano\'s JSON Lines: {"text", "entities": [{"id", "label", "start_offset", "end_offset"}], '
    '"relations": [{"from_id", "to_id", "type"}]}'
)
TOOLS = "Annotate it in doccano, Label Studio or brat, whose exports are read"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A form that is not read: how it is told, what it is called and lacks, and how to get to one that is."""

    name: str
    recognises: Callable[[Head], bool]
    what: str
    fix: str

    def problem(self, head: Head) -> Problem:
        """Say it about one file."""
        return Problem("E-FORMAT", str(head.path), f"is {self.what}", self.fix)


def refusal_of(head: Head) -> Refusal | None:
    """Return the first entry that recognises the file."""
    return next((refusal for refusal in REFUSALS if refusal.recognises(head)), None)


def unknown_json(head: Head) -> Problem:
    """Refuse JSON of no known form by the keys that it has."""
    keys = list(head.whole or (head.items[0] if head.items else {}))
    shown = ", ".join(f'"{key}"' for key in keys[:10]) or "none"
    what = f"is JSON of no form that is known. The keys of its first object: {shown}."
    return Problem("E-FORMAT", str(head.path), what, f"Write it as {TEXTS}.")


def _starts(*marks: bytes) -> Callable[[Head], bool]:
    return lambda head: head.raw.startswith(marks)


def _ends(*suffixes: str) -> Callable[[Head], bool]:
    return lambda head: head.suffix in suffixes


def _item(*key_sets: set[str]) -> Callable[[Head], bool]:
    """Tell files most of whose items have all keys of one of the sets."""
    return lambda head: _most(head, lambda item: any(keys <= item.keys() for keys in key_sets))


def _most(head: Head, check: Callable[[Mapping[str, Any]], bool]) -> bool:
    """Say whether at least half of the items pass; one with a key of our own shape is ours, whatever else it has."""
    passed = [item for item in head.items if not {"entities", "relationships"} & item.keys() and check(item)]
    return bool(passed) and 2 * len(passed) >= len(head.items)


def _either(*checks: Callable[[Head], bool]) -> Callable[[Head], bool]:
    return lambda head: any(check(head) for check in checks)


def _is_neo4j(head: Head) -> bool:
    if head.whole is not None and "nodes" in head.whole and {"rels", "relationships"} & head.whole.keys():
        return True
    values = [value for item in head.items for value in (item, *item.values())]
    return any(_is_neo4j_element(value) for value in values)


def _is_neo4j_element(value: object) -> bool:
    if not isinstance(value, Mapping) or value.get("type") not in ("node", "relationship"):
        return False
    return bool({"properties", "labels", "label", "start"} & value.keys())


def _is_deepke(head: Head) -> bool:
    deepke = {"relation", "event", "entity", "spo_list", "kg"}
    lists = _most(head, lambda item: "text" in item and any(isinstance(item.get(key), list) for key in deepke))
    return lists or _item({"task", "instruction", "output"}, {"task", "source", "output"})(head)


def _is_alpaca(head: Head) -> bool:
    return _most(head, lambda item: {"instruction", "output"} <= item.keys() and "input" not in item)


def _is_classification(head: Head) -> bool:
    return _most(
        head,
        lambda item: (
            ("text" in item or "data" in item) and any(_is_plain_label(item.get(key)) for key in ("label", "labels"))
        ),
    )


def _is_plain_label(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and isinstance(value[0], str))


def _is_minimal_label_studio(head: Head) -> bool:
    return _most(head, lambda item: _is_list_of(item.get("label"), {"start", "end", "labels"}))


def _is_list_of(value: object, keys: set[str]) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) and keys <= one.keys() for one in value)


_TAGGED_LINE = re.compile(r"(?m)^\S+(?:[ \t]+\S+){0,3}[ \t]+(?:[BIESLUM]-\S+|O)[ \t]*$")
_LINE = re.compile(r"(?m)^.*\S.*$")


def _is_tagged(head: Head) -> bool:
    """Tell token lines with a tag in the last column: most lines have one."""
    if head.looks_like_json:
        return False
    tagged = len(_TAGGED_LINE.findall(head.text))
    return tagged >= 2 and tagged >= 0.8 * len(_LINE.findall(head.text))


_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

REFUSALS = (
    Refusal("pdf", _either(_starts(b"%PDF"), _ends(".pdf")), "a PDF: it holds no annotation.",
            f"Take its text out, for example with pdftotext. {TOOLS}."),
    Refusal("spacy", _ends(".spacy"), "a spaCy DocBin, which only spaCy reads.",
            f"Write each doc.text with its doc.ents as {DOCCANO}."),
    Refusal("excel", _ends(".xlsx", ".xls", ".xlsm", ".ods"), "a spreadsheet.",
            f'Save it in Excel as "CSV UTF-8", as {TABLE}.'),
    Refusal("word", _ends(".docx", ".doc", ".odt", ".rtf"), "a word processor's file: it holds no annotation.",
            f"Save it as plain text. {TOOLS}."),
    Refusal("archive", _either(_starts(_ZIP, b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf"), _ends(".zip", ".gz", ".tar", ".7z")),
            "an archive or an office file.", "Unpack it, and give the files or the folder."),
    Refusal("binary", _either(_starts(_OLE, b"PAR1", b"ARROW1", b"SQLite format 3\0", b"\x80\x04", b"\x80\x05"),
                              _ends(".parquet", ".arrow", ".feather", ".pkl", ".pickle", ".db", ".sqlite")),
            "a binary table or database.", f"Export it as {TEXTS}."),
    Refusal("neo4j-apoc", _is_neo4j, "a Neo4j APOC export: nodes and relationships, without the texts they are from.",
            f"Export each text with what was read in it: {TEXTS}. Or give each node and relationship the chunks it was "
            'read in: {"entities", "relationships"}, each with chunks_info: [{"chunk_id", "chunk_content"}].'),
    Refusal("prodigy", _item({"text", "spans"}, {"text", "tokens"}, {"text", "_input_hash"}),
            "spaCy or Prodigy JSON Lines, whose relations point to tokens.",
            f"Write its spans, start and end in characters, as {DOCCANO}."),
    Refusal("spacy-json", _item({"paragraphs"}), "spaCy's JSON for training.", f"Write it as {DOCCANO}."),
    Refusal("deepke", _is_deepke, "a DeepKE, OneKE or IEPile file, whose entities have no ids and often no types.",
            f"Write {TABLE}."),
    Refusal("sharegpt", _item({"conversations"}, {"messages"}), "a LLaMA-Factory sharegpt or OpenAI chat file.",
            'Write each pair of turns as a row {"input": TEXT, "output": GRAPH}, the graph as a JSON string.'),
    Refusal("alpaca", _is_alpaca, "a LLaMA-Factory alpaca file without input.",
            'Put the text alone under "input", and the graph as a JSON string under "output".'),
    Refusal("label-studio-min", _is_minimal_label_studio, "Label Studio's JSON-MIN, which leaves relations out.",
            'Export again as "JSON".'),
    Refusal("classification", _is_classification, "a text classification export: its labels are of whole texts.",
            f"Only spans and relations make a graph. {TOOLS}."),
    Refusal("misp-attributes", lambda head: head.whole is not None and {"response"} <= head.whole.keys(),
            "a MISP response without events.", "Export events as MISP JSON, with their event reports."),
    Refusal("misp-galaxy", _item({"values", "type", "uuid"}, {"values", "authors"}),
            "a MISP galaxy cluster file: descriptions of names, without relations in them.",
            f"Write each description with what it names: {TEXTS}."),
    Refusal("navigator", _item({"techniques", "domain"}), "an ATT&CK Navigator layer: it has no texts.",
            "Give the ATT&CK STIX bundle, whose descriptions are read."),
    Refusal("webanno", lambda head: head.text.startswith("#FORMAT=WebAnno"), "a WebAnno or INCEpTION TSV file.",
            "Export from INCEpTION as brat."),
    Refusal("bionlp", _ends(".a1", ".a2"), "one half of a BioNLP standoff annotation.",
            "Write .a1 and .a2 into one .ann file beside the .txt file: that is brat's form."),
    Refusal("conll", _either(_ends(".conll", ".conllu", ".bio", ".iob"), _is_tagged),
            "CoNLL or BIO: tokens with tags, without the text's spacing and without relations.",
            f"Write the text with its spans as {DOCCANO}. doccano imports CoNLL and exports that."),
    Refusal("xml", lambda head: head.text.lstrip()[:1] == "<", "XML or HTML.",
            f"Write it as {TEXTS}. RDF, GraphML and OpenIOC hold no texts; of a web page, take the text out first."),
    Refusal("yaml", _ends(".yaml", ".yml"), "YAML.", f"Write it as {TEXTS}."),
)  # fmt: skip


def plain_text(head: Head) -> Problem:
    """Refuse a text without annotation."""
    fix = f"{TOOLS}. To extract from it with a tuned model: python inference.py {head.path}."
    return Problem("E-FORMAT", str(head.path), "is plain text: it holds no annotation.", fix)
