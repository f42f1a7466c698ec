"""Texts from files, folders and standard input, and every way in which they can't be used."""

import codecs
import io
import json
import logging

import pytest

from kgtune.document import Document
from kgtune.errors import DataError
from kgtune.extraction.texts import SourceText, read_texts

NO_STDIN = io.BytesIO()


def test_a_byte_order_mark_and_crlf_are_taken_off(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\n\xe5\xa4\x9c\n")
    assert read_texts([str(file)], NO_STDIN).texts == [SourceText(str(file), "one\ntwo\n夜\n")]


def test_a_folder_gives_its_text_files_by_name_and_nothing_else(tmp_path):
    for name in ("b.txt", "a.md", "c.TXT", "d.json", ".hidden"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / "folder.txt").mkdir()
    assert [text.text for text in read_texts([str(tmp_path)], NO_STDIN).texts] == ["a.md", "b.txt", "c.TXT"]


def test_a_named_file_is_read_whatever_it_is_called(tmp_path):
    (tmp_path / "report").write_text("x", encoding="utf-8")
    assert [text.text for text in read_texts([str(tmp_path / "report")], NO_STDIN).texts] == ["x"]


def test_a_dash_is_standard_input():
    assert read_texts(["-"], io.BytesIO("夜".encode())).texts == [SourceText("-", "夜")]


def test_all_problems_are_listed_at_once_with_place_and_fix(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "marked.txt").write_bytes(b"\xef\xbb\xbfab\xff")
    (tmp_path / "blank.txt").write_bytes(b" \r\n")
    (tmp_path / "fine.txt").write_bytes(b"fine")
    (tmp_path / "none").mkdir()
    names = ["latin.txt", "marked.txt", "blank.txt", "missing.txt", "fine.txt", "none"]
    with pytest.raises(DataError) as caught:
        read_texts([str(tmp_path / name) for name in names], NO_STDIN)
    assert [(p.code, p.where.rpartition("/")[2], p.what) for p in caught.value.problems] == [
        ("E-ENCODING", "latin.txt", "byte 3 of the file (0xe9) is not UTF-8."),
        ("E-ENCODING", "marked.txt", "byte 5 of the file (0xff) is not UTF-8."),
        ("E-EMPTY", "blank.txt", "has no text."),
        ("E-FILE", "missing.txt", "can't be read: No such file or directory."),
        ("E-NO-TEXTS", "none", "is a folder without .txt, .md, .jsonl, .pdf, .docx, .html or .htm files."),
    ]


def test_json_lines_give_a_text_each_called_by_id_or_by_line(tmp_path):
    file = tmp_path / "reports.jsonl"
    file.write_text('{"text": "one", "id": "r1", "lang": "en"}\n\n{"text": "夜\\nzwei"}\n', encoding="utf-8")
    texts = read_texts([str(file)], NO_STDIN).texts
    assert texts == [SourceText("r1", "one"), SourceText(f"{file}:3", "夜\nzwei")]
    assert [text.is_id for text in texts] == [True, False]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"id": "r2"}', '{"text": 3}', '{"text": " "}', '{"text": "\\ud83d"}', '{"text": "a", "id": 3}']
)
def test_a_line_without_a_text_is_told_by_its_number(tmp_path, line):
    file = tmp_path / "reports.jsonl"
    file.write_text(f'{{"text": "one"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(DataError, match='reports.jsonl:2: is no JSON object with a "text" that has a text'):
        read_texts([str(file)], NO_STDIN)


def test_two_texts_of_one_name_are_refused(tmp_path):
    file = tmp_path / "reports.jsonl"
    file.write_text('{"text": "one", "id": "r1"}\n{"text": "two", "id": "r1"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="r1: is the name of 2 texts"):
        read_texts([str(file)], NO_STDIN)


def lines(tmp_path, *items):
    file = tmp_path / "reports.jsonl"
    file.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return str(file)


def test_a_line_says_where_its_text_comes_from(tmp_path):
    origin = {"title": "A title", "url": "https://x.example/r", "published": "2026-11-20", "tlp": "TLP:AMBER"}
    file = lines(tmp_path, {"text": "one", "id": "r1"} | origin, {"text": "two", "id": "r2", "title": None})
    assert read_texts([file], NO_STDIN).texts == [
        SourceText("r1", "one", document=Document("A title", "https://x.example/r", "2026-11-20", "amber")),
        SourceText("r2", "two", document=Document()),
    ]


def test_what_is_wrong_about_where_a_text_comes_from_is_listed_with_its_line(tmp_path):
    file = lines(tmp_path, {"text": "one", "published": "yesterday", "tlp": 7}, {"text": "two", "title": ""})
    date = "published: is no date. Write 2026-11-20 or 2026-11-20T08:30:00Z"
    tlp = "tlp: Input should be 'clear', 'green', 'amber', 'amber+strict' or 'red'"
    with pytest.raises(DataError) as caught:
        read_texts([file], NO_STDIN)
    assert [str(problem).removeprefix(str(tmp_path) + "/") for problem in caught.value.problems] == [
        f"reports.jsonl:1: {date}; {tlp}. Mend the value, or leave the key out.",
        "reports.jsonl:2: title: String should have at least 1 character. Mend the value, or leave the key out.",
    ]


def test_half_a_character_in_an_id_is_told_before_a_file_would_hold_it(tmp_path):
    with pytest.raises(DataError, match="reports.jsonl:1: is no JSON object"):
        read_texts([lines(tmp_path, {"text": "one", "id": "r\ud83d"})], NO_STDIN)


def test_keys_of_lines_that_are_not_read_are_counted_by_name_with_the_nearest_one(tmp_path, caplog):
    file = lines(tmp_path, {"text": "one", "titel": "A title", "lang": "en"}, {"text": "two", "lang": "en"})
    with caplog.at_level(logging.WARNING, "kgtune"):
        read_texts([file], NO_STDIN)
    said = f'{file}: not read: "lang" of 2 lines, "titel" of 1 lines (did you mean "title"?)'
    assert [record.getMessage() for record in caplog.records] == [said]


def test_known_keys_of_lines_are_no_word_worth(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "kgtune"):
        read_texts([lines(tmp_path, {"text": "one", "id": "r1", "tlp": "red"})], NO_STDIN)
    assert caplog.records == []


@pytest.mark.parametrize(("mark", "encoding"), [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")])
def test_utf_16_with_a_mark_is_read(tmp_path, mark, encoding):
    (tmp_path / "a.txt").write_bytes(mark + "夜\r\nzwei".encode(encoding))
    (tmp_path / "b.jsonl").write_bytes(mark + '{"text": "夜", "id": "r1"}\r\n'.encode(encoding))
    texts = read_texts([str(tmp_path)], NO_STDIN).texts
    assert texts == [SourceText(str(tmp_path / "a.txt"), "夜\nzwei"), SourceText("r1", "夜")]


def test_half_a_unit_of_utf_16_is_told_with_its_byte(tmp_path):
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"c")
    with pytest.raises(DataError, match=r"byte 6 of the file \(0x63\) is not UTF-16"):
        read_texts([str(tmp_path)], NO_STDIN)


FAULTY = b'{"text": "one", "id": "r1"}\n{"text": "caf\xe9"}\n[]\n{"text": "two", "id": "r1"}\n{"text": "three"}\n'


def test_what_cannot_be_used_is_dropped_named_and_counted_where_that_is_asked(tmp_path, caplog):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    (tmp_path / "b.jsonl").write_bytes(FAULTY)
    with caplog.at_level(logging.WARNING, "kgtune"):
        found = read_texts([str(tmp_path), str(tmp_path / "gone.txt")], NO_STDIN, "drop")
    lines = f"{tmp_path / 'b.jsonl'}"
    assert found.texts == [SourceText("r1", "one"), SourceText(f"{lines}:5", "three")]
    assert found.skipped == {"E-ENCODING": 2, "E-LINE": 1, "E-SAME-ID": 1, "E-FILE": 1}
    assert found.report == "5 skipped: 2 E-ENCODING, 1 E-FILE, 1 E-LINE, 1 E-SAME-ID"
    said = [record.getMessage().split(" ")[1].rpartition("/")[2] for record in caplog.records]
    assert said == ["a.txt:", "b.jsonl:2:", "b.jsonl:3:", "gone.txt:", "r1:"]
    assert all(record.getMessage().startswith("skipped: ") for record in caplog.records)


def test_every_text_that_a_shared_id_leaves_out_is_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "x", "id": "r1"}\n' * 5, encoding="utf-8")
    found = read_texts([str(tmp_path)], NO_STDIN, "drop")
    assert (len(found.texts), found.report) == (1, "4 skipped: 4 E-SAME-ID")


def test_a_byte_that_is_no_utf_8_is_counted_from_the_start_of_its_line(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n{"text": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"a\.jsonl:2: byte 13 of the line \(0xe9\) is not UTF-8"):
        read_texts([str(tmp_path)], NO_STDIN)


def test_by_default_all_problems_are_refused_and_the_other_choice_is_told(tmp_path):
    (tmp_path / "b.jsonl").write_bytes(FAULTY)
    with pytest.raises(DataError) as caught:
        read_texts([str(tmp_path)], NO_STDIN)
    assert len(caught.value.problems) == 3
    first = "3 problems in the input, nothing extracted (data.on_error=drop leaves out what has one, counted):"
    assert str(caught.value).split("\n")[0] == first


def test_where_no_text_is_left_nothing_is_dropped(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match="1 problem in the input, and no text is left to extract from:"):
        read_texts([str(tmp_path)], NO_STDIN, "drop")


def test_what_a_folder_holds_of_other_kinds_is_counted_and_named(tmp_path, caplog):
    for name in ("a.txt", ".hidden", "photo.png", *(f"n{number:02}.zip" for number in range(10))):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "old").mkdir()
    with caplog.at_level(logging.WARNING, "kgtune"):
        assert len(read_texts([str(tmp_path)], NO_STDIN).texts) == 1
    zips = ", ".join(f"n{number:02}.zip" for number in range(10))
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: 12 not read, of no kind that is: {zips} and 2 more"
    ]
