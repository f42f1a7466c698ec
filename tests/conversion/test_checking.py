"""The stages of --check and --fix: what reaches the linter, and what it is told with."""

from __future__ import annotations

import gc
import json

import pytest

from kgtune import config
from kgtune.conversion import checking
from kgtune.errors import DataError
from kgtune.sources import RawDocument


def item(number, **more):
    return {
        "id": f"r{number}",
        "text": f"Vexa{number} deployed Latch{number} in week {number * 37}.",
        "entities": [
            {"labels": "ThreatOrganization", "id": "o", "name": f"Vexa{number}"},
            {"labels": "Tool", "id": "t", "name": f"Latch{number}"},
        ],
        "relationships": [
            {
                "type": "USE",
                "source": "o",
                "target": "t",
                "confidence": 0.9 - number / 1000,
                "evidence": f"Vexa{number} deployed Latch{number}",
            }
        ],
        **more,
    }


def checked(path, *overrides, source_format="auto"):
    return checking.check([path], config.load(None, None, overrides).config, source_format)


@pytest.fixture
def raw(tmp_path):
    def write(*items, name="raw.json"):
        path = tmp_path / name
        path.write_text(json.dumps(items), encoding="utf-8")
        return path

    return write


def test_sound_items_have_no_findings(raw):
    tally = checked(raw(*[item(n) for n in range(5)]))
    assert (tally.findings(), tally.has_findings(strict=True)) == ([], False)


def test_the_ontology_is_chosen_as_a_conversion_does(raw):
    odd = item(1) | {"entities": [{"labels": "threat-actor", "id": "o", "name": "Vexa1"}], "relationships": []}
    by_code = checked(raw(item(0), odd)).by_code
    assert by_code["W-LABEL-SPELLING"] == 1
    assert checked(raw(odd), "ontology=stix21").by_code["W-LABEL-SPELLING"] == 0


def test_a_misspelt_label_hides_no_alias_and_no_reversed_pair(raw):
    items = [item(n) for n in range(12)]
    items[3]["entities"][0]["labels"] = "ThreatOrganisation"
    items[5]["entities"][1]["labels"] = "工具"
    items[6]["relationships"][0]["type"] = "uses"
    items[7]["relationships"][0] |= {"source": "t", "target": "o"}
    tally = checked(raw(*items))
    found = {(f.code, f.place.record, f.place.path, f.value, f.nearest) for f in tally.findings()}
    assert found >= {
        ("E-UNKNOWN-LABEL", 4, "entities[0].labels", "ThreatOrganisation", "ThreatOrganization"),
        ("W-LABEL-SPELLING", 6, "entities[1].labels", "工具", "Tool"),
        ("W-TYPE-SPELLING", 7, "relationships[0].type", "uses", "USE"),
        ("W-PAIR-REVERSED", 8, "relationships[0]", "Tool USE ThreatOrganization", "ThreatOrganization USE Tool"),
    }
    assert tally.as_text("en").splitlines()[0] == (
        "ontology: threat_event (auto: it has all labels and types of the data but for near misses: "
        '"ThreatOrganisation" -> ThreatOrganization (1))'
    )


def test_which_ontology_was_checked_against_and_why_is_told_in_both_languages(raw):
    tally = checked(raw(item(0)))
    assert tally.as_text("en").splitlines()[0].startswith("ontology: threat_event (auto: it has all labels")
    assert tally.as_text("zh").splitlines()[0].startswith("本体：threat_event（auto：包含")
    assert tally.as_object(strict=False)["ontology"]["name"] == "threat_event"
    odd = item(1) | {"entities": [{"labels": "Satellite", "id": "o", "name": "Vexa1"}], "relationships": []}
    assert 'threat_event came nearest and lacks "Satellite" (1)' in checked(raw(odd)).as_text("en")
    assert checked(raw(odd), "ontology=stix21").as_text("en").startswith("ontology: stix21, as set")


def places(tally):
    return [(f.code, f.place.record, f.place.path) for f in tally.findings()]


def test_an_item_with_an_error_is_checked_to_its_end(raw):
    bad = item(1)
    bad["entities"] += [
        {"labels": "Tool", "id": "x"},
        {"labels": "Tol", "id": "y", "name": "Nowhere"},
        7,
    ]
    bad["relationships"][0] |= {"confidence": 1.5, "type": "uses", "evidence": "Not in it, Vexa1 or Latch1."}
    bad["relationships"] += [
        {"type": "ATTACK", "source": "o", "target": "z", "confidence": 0.5, "evidence": "Vexa1 deployed Latch1"},
        {"type": "USE", "source": "t", "target": "o", "confidence": 0.5, "evidence": "Vexa1 deployed Latch1"},
        {"type": "USE", "source": "o", "target": "x", "confidence": 0.5, "evidence": "Vexa1 deployed Latch1"},
    ]
    assert places(checked(raw(item(0), bad, item(2)))) == [
        ("E-MISSING-KEY", 2, "entities[2].name"),
        ("E-TYPE", 2, "entities[4]"),
        ("E-CONFIDENCE", 2, "relationships[0].confidence"),
        ("E-DANGLING", 2, "relationships[1].target"),
        ("E-UNKNOWN-LABEL", 2, "entities[3].labels"),
        ("W-TYPE-SPELLING", 2, "relationships[0].type"),
        ("W-EVIDENCE", 2, "relationships[0].evidence"),
        ("W-PAIR-REVERSED", 2, "relationships[2]"),
        ("N-NAME", 2, "entities[3].name"),
    ]


def test_what_follows_from_an_error_alone_is_not_told_again(raw):
    bad = item(1)
    bad["entities"][1].pop("labels")
    bad["relationships"].append({"type": "USE", "source": "o", "target": "t", "confidence": 0.5, "evidence": 5})
    assert places(checked(raw(item(0), bad))) == [("E-LABEL", 2, "entities[1].labels"),
                                                  ("E-TYPE", 2, "relationships[1].evidence")]  # fmt: skip


def test_without_its_text_an_item_is_checked_for_its_labels(raw):
    bad = item(1)
    bad.pop("text")
    bad["entities"][0]["labels"] = "威胁组织"
    assert places(checked(raw(item(0), bad))) == [
        ("E-MISSING-KEY", 2, "text"),
        ("W-LABEL-SPELLING", 2, "entities[0].labels"),
    ]


def test_an_item_that_shares_its_id_or_gives_a_key_twice_is_checked_as_well(raw, tmp_path):
    twice = item(1, id="r0")
    twice["entities"][0]["labels"] = "威胁组织"
    assert places(checked(raw(item(0), twice))) == [
        ("E-DUPLICATE-RECORD", 2, ""), ("W-LABEL-SPELLING", 2, "entities[0].labels")
    ]  # fmt: skip
    path = tmp_path / "twice.json"
    path.write_text(json.dumps([item(0), twice | {"id": "r1"}], ensure_ascii=False, indent=1).replace(
        '"name": "Latch1"', '"name": "Latch1",\n"name": "Latch1"'), encoding="utf-8")  # fmt: skip
    assert places(checked(path)) == [
        ("E-DUPLICATE-KEY", 2, "entities[1].name"), ("W-LABEL-SPELLING", 2, "entities[0].labels")
    ]  # fmt: skip


def test_errors_have_the_line_of_their_value(raw, tmp_path):
    bad = item(1)
    bad["relationships"][0]["confidence"] = 1.5
    text = json.dumps([item(0), bad], indent=1).replace('"name": "Latch1"', '"name": "Latch1",\n"name": "Latch2"')
    path = tmp_path / "lines.json"
    path.write_text(text, encoding="utf-8")
    found = {f.code: (f.place.line, f.value) for f in checked(path).findings() if f.level == "error"}
    lines = text.split("\n")
    expected = {"E-CONFIDENCE": ('"confidence": 1.5,', "1.5"), "E-DUPLICATE-KEY": ('"name": "Latch2"', "name")}
    assert found == {
        code: (next(n for n, line in enumerate(lines, 1) if line.strip() == end), value)
        for code, (end, value) in expected.items()
    }


def test_the_labels_of_items_with_errors_count_when_the_ontology_is_chosen(raw):
    broken = [item(n) for n in range(3)]
    for one in broken:
        one["relationships"][0]["target"] = "nobody"
    odd = item(9)
    odd["entities"][1]["labels"] = "Toool"
    odd["relationships"] = []
    tally = checked(raw(*broken, odd))
    assert tally.choice.ontology.name == "threat_event"
    assert [(f.value, f.nearest) for f in tally.findings() if f.code == "E-UNKNOWN-LABEL"] == [("Toool", "Tool")]


def test_a_table_of_sound_numbers_has_no_notes(tmp_path):
    table = tmp_path / "raw.csv"
    rows = [f"Vexa{n},USE,Latch{n},ThreatOrganization,Tool,Vexa{n} used Latch{n}.,Vexa{n} used Latch{n}.,0.{n + 1}"
            for n in range(4)]  # fmt: skip
    table.write_text(
        "\n".join(["head,relation,tail,head_type,tail_type,text,evidence,confidence", *rows, ""]), encoding="utf-8"
    )
    assert places(checked(table)) == []
    table.write_text(table.read_text(encoding="utf-8").replace("0.2", "1.2"), encoding="utf-8")
    (finding,) = checked(table).findings()
    assert (finding.code, finding.place.line, finding.place.path, finding.value) == (
        "E-CONFIDENCE", 3, "confidence", "'1.2'"
    )  # fmt: skip


def test_a_missing_file_is_a_mistake_of_the_command_line(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        checked(tmp_path / "none.json")


def test_rows_over_the_limit_are_measured_as_a_conversion_measures_them(raw):
    tally = checked(raw(item(0), item(1, text="Vexa1 deployed Latch1. " + "word " * 9000)), "model.max_seq_length=2048")
    (finding,) = [f for f in tally.findings() if f.code == "W-LENGTH"]
    assert (finding.place.record, finding.facts["limit"], finding.facts["about"]) == (2, 2048, "~")
    assert 9_000 < int(finding.value) < 20_000


def test_repairs_of_a_table_are_told_and_those_of_json_come_from_the_linter_with_their_place(raw, tmp_path):
    table = tmp_path / "raw.csv"
    table.write_text(
        "head,relation,tail,head_type,tail_type,text,confidence\n"
        "Vexa,USE,Latch,ThreatOrganization,Tool,Vexa used Latch.,95%\n",
        encoding="utf-8",
    )
    (finding,) = [f for f in checked(table).findings() if f.code == "F-CONFIDENCE"]
    assert (finding.place.file, finding.is_fixable) == (str(table), False)
    edge = item(1)["relationships"][0] | {"confidence": "95%"}
    (finding,) = [f for f in checked(raw(item(1, relationships=[edge]))).findings() if f.code == "F-CONFIDENCE"]
    assert (finding.place.path, finding.is_fixable) == ("relationships[0].confidence", True)


def test_documents_are_not_held(raw):
    path = raw(*[item(n) for n in range(300)])
    gc.collect()
    before = sum(type(one) is RawDocument for one in gc.get_objects())
    most = 0

    def watched(self, finding, add=checking.Tally.add):
        nonlocal most
        most = max(most, sum(type(one) is RawDocument for one in gc.get_objects()) - before)
        add(self, finding)

    tally = checking.Tally
    original = tally.add
    tally.add = watched
    try:
        wrong = [item(n, text=f"Nothing {n}.") if n % 100 == 0 else item(n) for n in range(300)]
        path.write_text(json.dumps(wrong), encoding="utf-8")
        assert checked(path).by_code["W-NAME"] > 0
    finally:
        tally.add = original
    assert 0 < most <= 3


def test_fix_names_the_near_misses_that_it_leaves_to_a_person(raw):
    items = [item(n) for n in range(6)]
    items[3]["entities"][0]["labels"] = "ThreatOrganisation"
    items[4]["entities"][0]["labels"] = "threat-actor"
    cfg = config.load(None, None, []).config
    told = checking.fix([raw(*items)], cfg).splitlines()
    assert told[-1].startswith(
        'left to you: "ThreatOrganisation" -> ThreatOrganization (1). The ontology threat_event does'
    )
    assert "1 W-LABEL-SPELLING" in told[0]
    assert not checking.fix([raw(*[item(n) for n in range(6)], name="sound.json")], cfg).count("left to you")


def test_fix_tells_each_file(raw, tmp_path):
    cfg = config.load().config
    mended = raw(item(1, id=" r1 "), name="a.json")
    sound = raw(item(2), name="b.json")
    (tmp_path / "c.csv").write_text("a,b\n", encoding="utf-8")
    told = checking.fix([mended, sound, tmp_path / "c.csv"], cfg).splitlines()
    assert told[0] == f"{mended} -> {tmp_path / 'a.fixed.json'} (a.fixed.diff): 1 F-ID"
    assert told[1] == f"  what is left to mend: python convert_data.py {tmp_path / 'a.fixed.json'} --check"
    assert told[2] == f"{sound}: nothing to mend, nothing written"
    assert told[3].startswith(f"{tmp_path / 'c.csv'}: left as it is.")
