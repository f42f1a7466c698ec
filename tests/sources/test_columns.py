from __future__ import annotations

import pytest

from kgtune.sources.columns import COLUMNS, columns_of, delimiter_of


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("head,relation,tail,text", ["head", "relation", "tail", "text"]),
        ("Subject,Predicate,Object,Sentence", ["head", "relation", "tail", "text"]),
        ("Source Name,Source-Label,Relationship Type,Target,TARGET_TYPE", ["head", "head_type", "relation", "tail", "tail_type"]),
        ("头实体,头实体类型,关系,尾实体,尾实体类型,文本,证据,置信度", ["head", "head_type", "relation", "tail", "tail_type", "text", "evidence", "confidence"]),
        ("主体，客体，谓词", []),
        ("ＨＥＡＤ,\ufeffrelation", ["head", "relation"]),
        ("报告,正文", ["doc_id", "text"]),
    ],
)  # fmt: skip
def test_usual_header_names_are_known_in_both_languages(header: str, columns: list[str]) -> None:
    assert list(columns_of(header.split(","), {})) == columns


def test_the_users_names_come_first() -> None:
    header = ["head", "谁", "relation", "tail"]
    assert columns_of(header, {"head": "谁", "tail": "no such"}) == {"head": 1, "relation": 2}


def test_the_first_of_two_columns_of_one_meaning_is_taken() -> None:
    assert columns_of(["subject", "head"], {}) == {"head": 0}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "，"])
def test_the_delimiter_is_the_one_under_which_columns_are_known(delimiter: str) -> None:
    header = delimiter.join(["head", '"re, la; tion"', "relation", "tail"])
    assert delimiter_of(header, ".csv", {}) == delimiter


def test_an_unknown_header_is_cut_where_it_gives_most_columns() -> None:
    assert delimiter_of("a;b;c,d", ".csv", {}) == ";"
    assert delimiter_of("wer;was;wem", ".csv", {"head": "wer"}) == ";"
    assert (delimiter_of("a", ".tsv", {}), delimiter_of("a", ".csv", {})) == ("\t", ",")


def test_every_column_has_a_key_in_the_configuration() -> None:
    from kgtune.settings import ColumnSettings

    assert sorted(ColumnSettings.model_fields) == sorted(COLUMNS)
