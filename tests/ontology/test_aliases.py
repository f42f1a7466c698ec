"""Alias tables: what makes two names one, which files are read, and what is not used."""

import json

import pytest

from kgtune.errors import ConfigError, DataError
from kgtune.ontology import aliases
from kgtune.ontology.aliases import Aliases

CLUSTER = {
    "name": "Invented actors",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "values": [
        {"value": "Tidal Fox", "meta": {"synonyms": ["潮狐", "TF-7"], "country": "XX"}},
        {"value": "Glass Viper", "meta": {"synonyms": ["GlassViper", "TF-7"]}},
        {"value": "Lone Heron", "description": "has no meta"},
    ],
}


def write(tmp_path, name, value):
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return str(path)


def test_names_are_one_only_by_the_table_and_never_by_their_letters():
    table = Aliases([("APT1", "Comment Crew"), ("APT10", "Stone Panda")])
    assert table.group("ＡＰＴ1") == "APT1"  # wide letters fold
    assert table.group("comment  crew") == "APT1"
    assert table.group("stone panda") == "APT10"
    assert [table.group(name) for name in ("APT", "APT100", "APT 1", "Comment")] == [None] * 4


def test_a_name_of_two_groups_is_used_for_neither_and_is_told(tmp_path, caplog):
    table = aliases.load([write(tmp_path, "cluster.json", CLUSTER)])
    assert table.group("潮狐") == "Tidal Fox"
    assert table.group("GlassViper") == "Glass Viper"
    assert table.group("Lone Heron") == "Lone Heron"
    assert table.group("TF-7") is None
    assert "1 names stand in several groups and are not used: tf-7" in caplog.text


def test_tables_add_up_and_a_group_of_two_tables_is_one(tmp_path):
    yaml = write(tmp_path, "mine.yaml", "Tidal Fox: [Ebb Fox]\n")
    table = aliases.load(["examples", yaml, write(tmp_path, "cluster.json", CLUSTER)])
    assert table.group("ebb fox") == table.group("潮狐") == "Tidal Fox"
    assert table.group("Mist Falcon") == table.group("雾隼") == "雾隼组织"


def test_the_shipped_table_has_no_name_twice():
    table = aliases.load(["examples"])
    assert (table.ambiguous, len(table)) == (frozenset(), 13)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("a.json", "{", "is no JSON"),
        ("a.json", [1], "is no table of names"),
        ("a.json", {"values": ["x"]}, "values[0]: has no value"),
        ("a.json", {"values": [{"value": "x", "meta": {"synonyms": "y"}}]}, "values[0]: has no value, or synonyms"),
        ("a.yaml", "Tidal Fox: Ebb Fox\n", "'Tidal Fox' has no list of names"),
        ("a.yaml", "Tidal Fox: [Ebb Fox]\nTidal Fox: [Fox]\n", "Tidal Fox"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(tmp_path, name, value, says):
    with pytest.raises(DataError) as refused:
        aliases.load([write(tmp_path, name, value)])
    assert says in str(refused.value)


def test_a_table_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ConfigError, match='there is no table "nowhere.yaml". Known: examples'):
        aliases.load(["nowhere.yaml"])
