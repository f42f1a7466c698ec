from __future__ import annotations

from pathlib import Path

import pytest

from kgtune.sources import RawSet, read_raw

TEXT = "Vex used Latch. Vex left."
MARKS = "T1\tOrg 0 3\tVex\nT2\tTool 9 14\tLatch\n"


def read(tmp_path: Path, annotation: str, text: str = TEXT) -> RawSet:
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.ann").write_bytes(annotation.encode())
    return read_raw([tmp_path / "a.ann"])


def edges(raw_set: RawSet) -> list[tuple[str, str, str]]:
    return [(e.type, e.source, e.target) for d in raw_set.documents for e in d.graph.relationships]


def test_marks_and_relations_are_read(tmp_path: Path) -> None:
    raw_set = read(tmp_path, MARKS + "R1\tUSE Arg1:T1 Arg2:T2\t\n")
    assert raw_set.problems == []
    assert [(e.labels, e.id, e.name) for e in raw_set.documents[0].graph.entities] == [
        ("Org", "T1", "Vex"),
        ("Tool", "T2", "Latch"),
    ]
    assert edges(raw_set) == [("USE", "T1", "T2")]
    assert raw_set.documents[0].graph.relationships[0].evidence == "Vex used Latch."


def test_an_event_is_an_entity_with_a_relationship_for_each_role_also_to_other_events(tmp_path: Path) -> None:
    lines = "T3\tAttack 4 8\tused\nT4\tLeave 20 24\tleft\nE1\tAttack:T3 Agent:T1 Agent2:T2 Cause:E2\nE2\tLeave:T4 \n"
    assert edges(read(tmp_path, MARKS + lines)) == [("Agent", "T3", "T1"), ("Agent", "T3", "T2"), ("Cause", "T3", "T4")]


def test_what_is_negated_or_speculative_is_left_out(tmp_path: Path) -> None:
    lines = "R1\tUSE Arg1:T1 Arg2:T2\nR2\tHAS Arg1:T1 Arg2:T2\nA1\tNegation R1\nM2\tSpeculation R9\n"
    raw_set = read(tmp_path, MARKS + lines)
    assert edges(raw_set) == [("HAS", "T1", "T2")]
    assert raw_set.counts["note: relationship left out: negated or speculative"] == 1


def test_equivalent_marks_are_one_entity_and_a_note_is_its_description(tmp_path: Path) -> None:
    raw_set = read(tmp_path, MARKS + "*\tEquiv T1 T2\n#1\tAnnotatorNotes T2\ta loader\n#2\tAnnotatorNotes R1\tno\n")
    assert [(e.name, e.description) for e in raw_set.documents[0].graph.entities] == [("Vex", "a loader")]


@pytest.mark.parametrize(
    ("line", "name"),
    [("T1\tOrg 0 3;16 19\tVex Vex", "Vex Vex"), ("T1\tOrg 0 3;4 8\tVex used", "Vex used"), ("T1\tOrg 0 3;9 14\tVex Latch", "Vex Latch"),
     ("T1\tOrg 9 14;0 3\tLatch Vex", "Vex Latch")],
)  # fmt: skip
def test_a_discontinuous_mark_is_its_parts(tmp_path: Path, line: str, name: str) -> None:
    raw_set = read(tmp_path, line + "\n")
    assert [e.name for e in raw_set.documents[0].graph.entities] == [name]


@pytest.mark.parametrize("shift", [0, 2], ids=["CRLF as one", "CRLF as two"])
def test_line_ends_are_counted_as_the_marks_words_show(tmp_path: Path, shift: int) -> None:
    raw_set = read(tmp_path, f"T1\tOrg {4 + shift} {7 + shift}\tVex\n", "A.\r\n\r\nVex.")
    assert raw_set.problems == []
    assert ([e.name for e in raw_set.documents[0].graph.entities], raw_set.documents[0].text) == (["Vex"], "A.\n\nVex.")


def test_a_mark_without_its_words_is_taken_as_counted(tmp_path: Path) -> None:
    assert [e.name for e in read(tmp_path, "T1\tOrg 0 3\n").documents[0].graph.entities] == ["Vex"]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("T1\tOrg 0 3\tWax", "E-SPAN", 'T1 should read "Wax"; the text there reads "Vex", and has it nowhere.'),
        ("T1\tOrg zero 3\tVex", "E-ANN", "is no label with its span"),
        ("T1\tOrg 0 3\tVex\nT1\tOrg 0 3\tVex", "E-DUPLICATE-ID", "stands twice"),
        ("T1\tOrg 0 3\tVex\nR1\tUSE Arg1:T1", "E-ANN", '"USE Arg1:T1" is no relation.'),
        (
            "T1\tOrg 0 3\tVex\nR1\tUSE Arg1:T1 Arg2:T7",
            "E-DANGLING",
            'the target "T7", which is not marked. Marked: T1.',
        ),
        ("T1\tOrg 0 3\tVex\nE1\tAttack", "E-ANN", "is no event"),
        ("T1\tOrg 0 3\tVex\nE1\tAttack:T1 Role", "E-ANN", "is no event"),
        ("T1\tOrg 0 3\tVex\nhello", "E-ANN", '"hello" is no line of brat.'),
    ],
)
def test_a_faulty_line_is_a_problem_with_its_number_and_drops_the_pair(
    tmp_path: Path, line: str, code: str, words: str
) -> None:
    raw_set = read(tmp_path, line + "\n")
    assert [problem.code for problem in raw_set.problems] == [code]
    assert raw_set.problems[0].where == f"{tmp_path / 'a.ann'}:{line.count(chr(10)) + 1}"
    assert words in str(raw_set.problems[0])
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.counts[f"dropped: {code}"]) == (1, 0, 1)


def test_every_line_is_counted(tmp_path: Path) -> None:
    lines = (MARKS + "R1\tUSE Arg1:T1 Arg2:T2\nE1\tTool:T2 Of:T1\nA1\tSure R1\nM1\tSure E1\nN1\tReference T1 Db:1\tVex\n"
             "*\tEquiv T1 T2\n#1\tAnnotatorNotes T1\tx\n#2\tAnnotatorNotes R1\tx\n")  # fmt: skip
    counts = read(tmp_path, lines).counts
    told = {key: n for key, n in counts.items() if key.startswith("note: brat line")}
    assert sum(told.values()) == lines.count("\n") == 10
    assert told["note: brat line ignored: attribute Sure"] == 2


def test_an_untouched_text_is_no_empty_example(tmp_path: Path) -> None:
    raw_set = read(tmp_path, "")
    assert raw_set.counts["dropped: brat: empty .ann file: the text may not have been annotated"] == 1
    assert [p.code for p in raw_set.problems] == ["E-NOTHING"]


def test_an_annotation_of_no_mark_is_no_empty_example(tmp_path: Path) -> None:
    assert (
        read(tmp_path, "#1\tAnnotatorNotes R1\tx\n").counts["dropped: brat: .ann file without a mark in the text"] == 1
    )


def test_a_missing_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text(MARKS, encoding="utf-8")
    (problem,) = read_raw([tmp_path / "a.ann"]).problems
    assert (problem.code, str(tmp_path / "a.txt") in str(problem)) == ("E-NO-FILE", True)


def test_a_folder_a_text_and_an_annotation_all_name_the_same_pair(tmp_path: Path) -> None:
    read(tmp_path, MARKS)
    (tmp_path / "lone.txt").write_text("no marks", encoding="utf-8")
    raw_set = read_raw([tmp_path, tmp_path / "a.txt", tmp_path / "a.ann"])
    assert (raw_set.counts["read"], raw_set.counts["used"], raw_set.problems) == (1, 1, [])
    assert raw_set.counts["note: file in a folder left aside: .txt"] == 1
