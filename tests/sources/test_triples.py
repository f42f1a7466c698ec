from __future__ import annotations

from pathlib import Path

import pytest

from kgtune.graph import Entity, Relationship
from kgtune.sources import RawSet, read_raw

HEAD = "text,head,head_type,relation,tail,tail_type"
ROW = "Vex uses Latch.,Vex,Org,USE,Latch,Tool"


def read(tmp_path: Path, content: str | bytes, name: str = "raw.csv", **options: dict[str, str]) -> RawSet:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_raw([path], **options)  # type: ignore[arg-type]


def codes(raw_set: RawSet) -> list[str]:
    return [problem.code for problem in raw_set.problems]


def test_the_rows_of_one_text_are_one_document(tmp_path: Path) -> None:
    raw_set = read(tmp_path, f"{HEAD}\n{ROW}\nOther.,Vex,Org,USE,Wax,Tool\n{ROW.replace('USE', 'HAS')}\n")
    assert [(d.text, len(d.graph.entities), [r.type for r in d.graph.relationships]) for d in raw_set.documents] == [
        ("Vex uses Latch.", 2, ["USE", "HAS"]), ("Other.", 2, ["USE"]),
    ]  # fmt: skip
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts["note: rows read"]) == (2, 2, 3)


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}\n{ROW}\n",
        f"\n\n{HEAD}\n\n{ROW}\n,,,,,\n",
        f"{HEAD}\r\n{ROW}\r\n",
        f"{HEAD}\n{ROW}",
        f"{HEAD}\n{ROW}\n".replace(",", ";"),
        f"{HEAD}\n{ROW}\n".replace(",", "\t"),
        f'{HEAD}\n"Vex uses Latch.",  Vex ,Org,USE,Latch,Tool\n',
        b"\xef\xbb\xbf" + f"{HEAD}\n{ROW}\n".encode(),
        f"{HEAD}\n{ROW}\n".encode("utf-16"),
    ],
)
def test_every_way_to_write_a_table_reads_the_same(tmp_path: Path, content: str | bytes) -> None:
    raw_set = read(tmp_path, content)
    assert codes(raw_set) == []
    (document,) = raw_set.documents
    assert document.graph.entities == (Entity("Org", "e1", "Vex"), Entity("Tool", "e2", "Latch"))
    assert document.graph.relationships == (Relationship("USE", "e1", "e2", 0.9, ""),)


def test_one_name_under_two_labels_is_two_entities(tmp_path: Path) -> None:
    raw_set = read(tmp_path, f"{HEAD}\n{ROW}\nVex uses Latch.,VEX,Org,USE,vex,Tool\n")
    assert [(e.labels, e.name) for e in raw_set.documents[0].graph.entities] == [
        ("Org", "Vex"),
        ("Tool", "Latch"),
        ("Tool", "vex"),
    ]


def test_the_users_own_header_names_are_read(tmp_path: Path) -> None:
    table = "wer,als,tut,wem,ist,wo\nVex,Org,USE,Latch,Tool,Vex uses Latch.\n"
    columns = {"head": "wer", "head_type": "als", "relation": "tut", "tail": "wem", "tail_type": "ist", "text": "wo"}
    assert len(read(tmp_path, table, columns=columns).documents) == 1


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("", "E-EMPTY-FILE", "is empty"),
        ("text,label\nx,y\n", "E-FORMAT", 'is a table without triples. Its columns: "text", "label". Give a CSV'),
        ("text,head,relation,tail\nx,y,z,w\n", "E-COLUMN", "has no column for head_type, tail_type. Its columns:"),
        (f"{HEAD[5:]}\n{ROW[16:]}\n", "E-COLUMN", "has no column for text. Its columns:"),
        (f'{HEAD}\n"Vex" uses,Vex,Org,USE,Latch,Tool\n', "E-CSV", "is no table"),
        (f'{HEAD}\n"Vex uses,Vex,Org,USE,Latch,Tool\n', "E-CSV", "is no table: unexpected end of data"),
        (f"{HEAD}\n{ROW}\n".replace("Vex", "组织").encode("gbk"), "E-ENCODING", 'save it in Excel as "CSV UTF-8"'),
        (f"{HEAD}\n{ROW}\n".encode("utf-16-le"), "E-ENCODING", "UTF-16 without a mark"),
    ],
)
def test_a_file_that_is_no_such_table_says_why(tmp_path: Path, content: str | bytes, code: str, words: str) -> None:
    raw_set = read(tmp_path, content)
    assert (codes(raw_set), raw_set.documents) == ([code], ())
    assert words in str(raw_set.problems[0])
    assert raw_set.unreadable == (str(tmp_path / "raw.csv"),)


def test_a_column_map_that_names_no_column_says_so(tmp_path: Path) -> None:
    raw_set = read(tmp_path, f"{HEAD}\n{ROW}\n", columns={"head": "Subjekt"})
    assert 'data.columns.head is "Subjekt", which is none of them.' in str(raw_set.problems[0])


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ("Vex uses Latch.,Vex,,USE,Latch,Tool", "E-LABEL", 'column "head_type" is empty. Say what "Vex" is.'),
        ("Vex uses Latch.,Vex,Org,,Latch,Tool", "E-EMPTY-VALUE", 'column "relation" is empty'),
        ("Vex uses Latch.,Vex,Org,USE,,", "E-EMPTY-VALUE", 'column "tail" is empty'),
        ("Vex uses Latch.,,,USE,Latch,Tool", "E-EMPTY-VALUE", 'column "head" is empty'),
        (",Vex,Org,USE,Latch,Tool", "E-EMPTY-VALUE", 'column "text" is empty'),
        (
            "Vex uses Latch, now.,Vex,Org,USE,Latch,Tool",
            "E-CELLS",
            'has 7 cells, and the header has 6. Put cells that hold a ","',
        ),
    ],
)
def test_a_faulty_row_is_a_problem_with_its_line_and_drops_its_document(
    tmp_path: Path, row: str, code: str, words: str
) -> None:
    raw_set = read(tmp_path, f'{HEAD}\n"Two\nlines.",Vex,Org,USE,Latch,Tool\n{row}\n')
    assert codes(raw_set) == [code]
    assert raw_set.problems[0].where == f"{tmp_path / 'raw.csv'}:4"
    assert words in str(raw_set.problems[0])
    assert [d.text for d in raw_set.documents] == ["Two\nlines."]
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts[f"dropped: {code}"]) == (2, 1, 1)


def test_a_text_may_stand_in_the_first_row_of_its_document_only(tmp_path: Path) -> None:
    table = f"doc_id,{HEAD}\nA,{ROW}\nB,Wax.,Wax,Org,,,\nA,,Latch,Tool,HAS,Vex,Org\nA,More.,Vex,Org,USE,Wax,Tool\n"
    raw_set = read(tmp_path, table)
    assert [(d.id, d.doc_id, d.text, len(d.graph.relationships)) for d in raw_set.documents] == [
        ("A", "A", "Vex uses Latch.", 2), ("B", "B", "Wax.", 0), ("A#2", "A", "More.", 1),
    ]  # fmt: skip


def test_without_a_text_column_the_evidence_is_the_text(tmp_path: Path) -> None:
    raw_set = read(
        tmp_path, "head,head_type,relation,tail,tail_type,evidence\nVex,Org,USE,Latch,Tool,Vex uses Latch.\n"
    )
    assert [(d.text, d.graph.relationships[0].evidence) for d in raw_set.documents] == [
        ("Vex uses Latch.", "Vex uses Latch.")
    ]
    assert raw_set.counts["note: evidence taken as the text: there is no text column"] == 1


def test_a_text_without_a_triple_is_no_empty_example(tmp_path: Path) -> None:
    raw_set = read(tmp_path, f"{HEAD}\n{ROW}\nUntouched.,,,,,\n")
    assert raw_set.counts["dropped: text without a triple: it may not have been annotated"] == 1


def test_a_cell_may_hold_a_whole_report(tmp_path: Path) -> None:
    text = "Vex uses Latch. " * 20_000
    assert len(read(tmp_path, f"{HEAD}\n{text},Vex,Org,USE,Latch,Tool\n").documents[0].text) == len(text) - 1
