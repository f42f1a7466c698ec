from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from kgtune.sources import decoding
from kgtune.sources.decoding import pieces, read_text, start_of
from kgtune.sources.findings import Findings, UnreadableError

TEXT = "组织 Vex\n投放了\nLatch。😀\n"


def written(tmp_path: Path, content: bytes, name: str = "raw.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
    ],
    ids=["utf8", "bom", "utf16", "utf16 big end", "crlf", "cr"],
)
@pytest.mark.parametrize("piece_bytes", [3, 4, 5, 1000])  # a mark is looked for in the first piece
def test_every_spelling_gives_the_same_text_however_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, piece_bytes: int
) -> None:
    monkeypatch.setattr(decoding, "PIECE_BYTES", piece_bytes)
    assert read_text(written(tmp_path, content), Findings()) == TEXT


def test_line_ends_can_be_kept(tmp_path: Path) -> None:
    path = written(tmp_path, b"a\r\nb\rc\n")
    findings = Findings()
    assert (read_text(path, findings, keep_line_ends=True), findings.repairs) == ("a\r\nb\rc\n", [])


def test_what_was_not_plain_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "PIECE_BYTES", 4)
    findings = Findings()
    read_text(written(tmp_path, codecs.BOM_UTF8 + b"a\r\nb\r\nc\r\n"), findings)
    assert [repair.code for repair in findings.repairs] == ["F-ENCODING", "F-NEWLINE"]


@pytest.mark.parametrize("piece_bytes", [4, 5, 1000])
@pytest.mark.parametrize(
    ("content", "where", "words"),
    [
        (b"abcd\nef\xffgh", ":2", "byte 7 (0xFF) is not valid UTF-8. Save the file as UTF-8."),
        (codecs.BOM_UTF8 + b"abcd\nef\xffgh", ":2", "byte 10 (0xFF)"),
        ("ab\n组织".encode("gb18030"), ":2", "It reads as GB18030: convert it with `iconv -f GB18030 -t UTF-8`."),
        ("abcd\n组".encode()[:-1], ":2", "byte 5 (0xE7) is not valid UTF-8"),
    ],
    ids=["invalid", "behind a mark", "gb18030", "cut off"],
)
def test_a_byte_that_cannot_be_decoded_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int, content: bytes, where: str, words: str
) -> None:
    monkeypatch.setattr(decoding, "PIECE_BYTES", piece_bytes)
    path = written(tmp_path, content)
    with pytest.raises(UnreadableError) as caught:
        read_text(path, Findings())
    assert caught.value.problem.code == "E-ENCODING"
    assert caught.value.problem.where == f"{path}{where}"
    assert words in str(caught.value.problem)


def test_a_table_from_excel_is_told_how_to_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match='or save it in Excel as "CSV UTF-8"'):
        read_text(written(tmp_path, "主体,关系\n组织,使用\n".encode("gbk"), "raw.csv"), Findings())


def test_utf16_without_a_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="byte 1 is 0: the file is UTF-16 without a mark"):
        read_text(written(tmp_path, "text".encode("utf-16-le")), Findings())


def test_a_folder_or_a_missing_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UnreadableError, match=r"does not exist\. Did you mean .*report\.txt\?"):
        read_text(tmp_path / "reprot.txt", Findings())
    with pytest.raises(UnreadableError, match="does not exist either"):
        read_text(tmp_path / "no" / "x.txt", Findings())


def test_a_file_whose_name_only_lies_within_the_missing_one_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "ss").write_text("x", encoding="utf-8")
    with pytest.raises(UnreadableError, match=r"does not exist\. Files there: ss\."):
        read_text(tmp_path / "missing.json", Findings())


def test_pieces_are_bounded(tmp_path: Path) -> None:
    path = written(tmp_path, b"x" * (3 * decoding.PIECE_BYTES + 1))
    assert [len(piece) for piece in pieces(path, Findings()) if piece] == [decoding.PIECE_BYTES] * 3 + [1]


def test_the_start_of_a_file_is_made_out_without_a_fault(tmp_path: Path) -> None:
    raw, text = start_of(written(tmp_path, "组织\r\nb".encode("utf-16")), 5)
    assert (len(raw), text) == (5, "组\ufffd")
