from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kgtune.sources import read_raw
from kgtune.sources.refusals import REFUSALS

NODE = {"type": "node", "id": "0", "labels": ["User"], "properties": {"name": "Vex"}}
LINK = {"type": "relationship", "id": "1", "label": "USES", "start": {"id": "0"}, "end": {"id": "1"}}
GIVEN: list[tuple[str, str, Any]] = [
    ("pdf", "a.pdf", b"%PDF-1.7\n\xe2\xe3"),
    ("spacy", "a.spacy", b"\x00\x01"),
    ("excel", "a.xlsx", b"PK\x03\x04rest"),
    ("excel", "a.xls", b"\xd0\xcf\x11\xe0"),
    ("word", "a.docx", b"PK\x03\x04rest"),
    ("archive", "a.zip", b"PK\x03\x04rest"),
    ("archive", "a.json.gz", b"\x1f\x8brest"),
    ("binary", "a.parquet", b"PAR1rest"),
    ("binary", "a", b"SQLite format 3\x00"),
    ("neo4j-apoc", "a.json", NODE),
    ("neo4j-apoc", "a.json", [NODE, LINK]),
    ("neo4j-apoc", "a.json", [LINK]),
    ("neo4j-apoc", "a.json", {"nodes": [NODE], "rels": [LINK]}),
    ("neo4j-apoc", "a.json", {"nodes": {"0": NODE}, "rels": {"1": LINK}}),
    ("neo4j-apoc", "a.json", {"u": NODE, "r": LINK}),
    ("prodigy", "a.jsonl", {"text": "x", "spans": [{"start": 0, "end": 1, "label": "Tool"}], "_input_hash": 1}),
    ("spacy-json", "a.json", [{"id": 0, "paragraphs": []}]),
    ("deepke", "a.json", {"text": "x", "relation": [{"head": "a", "relation": "r", "tail": "b"}]}),
    ("deepke", "a.json", {"text": "x", "entity": [{"entity": "a", "entity_type": "t"}]}),
    ("deepke", "a.json", {"text": "x", "event": []}),
    ("deepke", "a.json", {"task": "NER", "source": "NER", "instruction": "{}", "output": "{}"}),
    ("sharegpt", "a.json", [{"conversations": [{"from": "human", "value": "x"}]}]),
    ("sharegpt", "a.jsonl", {"messages": [{"role": "user", "content": "x"}]}),
    ("alpaca", "a.json", [{"instruction": "x", "output": "y"}]),
    ("label-studio-min", "a.json", [{"id": 1, "text": "x", "label": [{"start": 0, "end": 1, "labels": ["Tool"]}]}]),
    ("classification", "a.jsonl", {"id": 1, "text": "x", "label": ["Positive"]}),
    ("classification", "a.jsonl", {"text": "x", "label": "Positive"}),
    ("misp-attributes", "a.json", {"response": {"Attribute": []}}),
    ("misp-galaxy", "a.json", {"type": "threat-actor", "uuid": "x", "values": [{"value": "Vex"}]}),
    ("navigator", "a.json", {"domain": "enterprise-attack", "techniques": []}),
    ("webanno", "a.tsv", b"#FORMAT=WebAnno TSV 3.3\n\n1-1\t0-3\tVex\t_\n"),
    ("bionlp", "a.a1", b"T1\tProtein 0 3\tabc\n"),
    ("conll", "a.conll", b"Vex B-ORG\n"),
    ("conll", "a.txt", b"-DOCSTART- -X- O O\n\nVex NNP B-NP B-ORG\nused VBD B-VP O\nLatch NNP B-NP B-TOOL\n"),
    ("conll", "a.txt", "雾\tB-ORG\n隼\tI-ORG\n用\tO\n".encode()),
    ("xml", "a.xml", b"<?xml version='1.0'?><a/>"),
    ("xml", "a.html", b"\n<html></html>"),
    ("yaml", "a.yaml", b"a: 1\n"),
]  # fmt: skip


def write(tmp_path: Path, name: str, content: Any) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize(("expected", "name", "content"), GIVEN)
def test_a_form_that_is_not_read_is_told_by_name_with_the_way_to_one_that_is(
    tmp_path: Path, expected: str, name: str, content: Any
) -> None:
    path = write(tmp_path, name, content)
    refusal = next(one for one in REFUSALS if one.name == expected)
    raw_set = read_raw([path])
    assert [(p.code, p.where, p.what, p.fix) for p in raw_set.problems] == [
        ("E-FORMAT", str(path), f"is {refusal.what}", refusal.fix)
    ]
    assert (raw_set.documents, raw_set.unreadable, raw_set.counts["read"]) == ((), (str(path),), 0)


def test_every_refusal_has_an_example_and_ends_its_sentences() -> None:
    assert {name for name, _, _ in GIVEN} == {refusal.name for refusal in REFUSALS}
    assert len(REFUSALS) == len({refusal.name for refusal in REFUSALS}) == 22
    for refusal in REFUSALS:
        assert refusal.what.endswith("."), refusal.name
        assert refusal.fix.endswith((".", "}")), refusal.name


@pytest.mark.parametrize(
    "text", ["Silent Karvost used TolvekRAT.\n", "# 周报\n\n雾隼组织投放了沉锚木马。", "a, b\nc d O\n"]
)
def test_plain_text_is_refused_with_the_tools_to_annotate_it(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "report.md", text.encode())
    (problem,) = read_raw([path]).problems
    assert str(problem) == (
        f"{path}: is plain text: it holds no annotation. Annotate it in doccano, Label Studio or brat, whose exports "
        f"are read. To extract from it with a tuned model: python inference.py {path}."
    )


def test_a_key_of_one_item_does_not_make_a_foreign_file_of_ours(tmp_path: Path) -> None:
    ours = [{"text": f"Vex {n}", "entities": [], "relationships": []} for n in range(3)]
    for odd in (
        {"text": "x", "entity": [], "relationships": []},
        {"text": "x", "label": "apt"},
        ours[0] | {"label": "apt"},
    ):
        path = tmp_path / "a.json"
        path.write_text(json.dumps([odd, *ours]), encoding="utf-8")
        assert "E-FORMAT" not in [problem.code for problem in read_raw([path]).problems]
