"""Readers' problems as findings: values picked out, sentences in Chinese."""

from __future__ import annotations

import re

import pytest

from kgtune.errors import Problem
from kgtune.lint import catalogue
from kgtune.lint.readers import finding
from kgtune.sources import read_raw

HAN = re.compile("[\u4e00-\u9fff]")


def test_value_nearest_and_place_are_picked_out():
    what = 'relationship "USE" points to unknown entity "tool--latc". Known ids: a, tool--latch. Did you mean "tool--latch"?'
    found = finding(
        Problem("E-DANGLING", "raw.json:9: item 2 (id=r2): relationships[0].target", what, "Fix the target.")
    )
    assert (found.value, found.nearest, found.place.path) == ("tool--latc", "tool--latch", "relationships[0].target")
    assert catalogue.what(found, "en") == what
    assert catalogue.fix(found, "en") == "Fix the target."
    assert (
        catalogue.what(found, "zh")
        == "关系“USE”指向未知实体“tool--latc”。已知 id：a, tool--latch。是否想写“tool--latch”？"
    )
    assert catalogue.fix(found, "zh") == "请修正端点，或补上该实体。"


def test_a_candidate_in_the_fix_is_picked_out_as_well():
    found = finding(Problem("E-NO-FILE", "raw.jsn", "does not exist.", "Did you mean raw.json?"))
    assert (found.nearest, catalogue.what(found, "zh")) == ("raw.json", "文件不存在。")


def test_a_repair_is_told_with_the_catalogues_own_fix():
    found = finding(Problem("F-CONFIDENCE", "raw.csv:3: row 2", "confidence is written '95%'.", "Read as meant."))
    assert (catalogue.fix(found, "en"), found.is_fixable) == ("Write a number from 0 to 1.", False)
    assert catalogue.what(found, "zh") == "置信度写作 '95%'。"


SOUND = '{"id": "r", "text": "Vexa", "entities": [{"labels": "Tool", "id": "a", "name": "Vexa"}], "relationships": []}'
EDGE = '"relationships": [{"type": "USE", "source": "a", "target": "a", "confidence": 0.9}]'
FAULTS = {
    "E-JSON": [SOUND + '\n{"a" 1}', "plain", SOUND.replace('"Vexa",', "NaN,", 1), "[" * 9999],
    "E-CUT-OFF": ["[" + SOUND[:40], SOUND[:-1]],
    "E-DUPLICATE-KEY": [SOUND.replace('"id": "r"', '"id": "r", "id": "s"')],
    "E-EMPTY-FILE": [""],
    "E-TYPE": ["[1]", SOUND.replace('"text": "Vexa"', '"text": 5'), SOUND.replace('"relationships": []', '"relationships": 3'), SOUND.replace("[{", "[3, {"), SOUND.replace('[{"labels": "Tool", "id": "a", "name": "Vexa"}]', "3")],
    "E-MISSING-KEY": ["[" + SOUND.replace('"text": "Vexa", ', "") + "]", SOUND.replace('"name": "Vexa"', '"k": 1'), SOUND.replace('"entities"', '"entity"'), SOUND.replace("relationships", "relations"), "[" + SOUND.replace('"entities": [{"labels": "Tool", "id": "a", "name": "Vexa"}], ', "") + "]"],
    "E-EMPTY-VALUE": [SOUND.replace('"name": "Vexa"', '"name": " "')],
    "E-SURROGATE": [SOUND.replace('"name": "Vexa"', '"name": "\\ud83d"')],
    "E-LABEL": [SOUND.replace('"Tool"', "3"), SOUND.replace('"labels"', '"lables"'), SOUND.replace('"labels": "Tool", ', "")],
    "E-DUPLICATE-ID": [SOUND.replace("}]", '}, {"labels": "Tool", "id": "a", "name": "Bolt"}]')],
    "E-DANGLING": [SOUND.replace('"relationships": []', EDGE.replace('"target": "a"', '"target": "b"'))],
    "E-CONFIDENCE": [SOUND.replace('"relationships": []', EDGE.replace("0.9", "1.5"))],
    "E-SPLIT": [SOUND.replace('"id": "r"', '"id": "r", "split": "dev"')],
    "E-DUPLICATE-RECORD": [f"[{SOUND}, {SOUND.replace('Vexa', 'Bolt')}]"],
    "E-MIXED": [
        SOUND.replace('"r"', '"s"') + '\n{"text": "Vexa", "entities": [{"label": "Tool", "start_offset": 0, "end_offset": 4}]}\n' + SOUND,
        SOUND + ('\n{"text": "Vexa", "entities": [{"label": "Tool", "start_offset": 0, "end_offset": 4}]}' * 2),
    ],
    "E-OUTPUT": ['{"input": "x", "output": "{"}', '{"input": "x", "output": 3}'],
    "E-NO-CHUNK": ['{"entities": [{"labels": "Tool", "id": "a", "name": "Vexa"}], "relationships": []}'],
    "E-ENCODING": [b'{"text": "\xe9\x9b"}'],
}  # fmt: skip


@pytest.mark.parametrize(("code", "content"), [(code, one) for code, many in FAULTS.items() for one in many])
def test_what_the_readers_say_of_common_faults_is_said_in_chinese(tmp_path, code, content):
    path = tmp_path / "raw.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = [problem for problem in read_raw([path]).problems if problem.code == code]
    assert problems
    for problem in problems:
        found = finding(problem)
        said = catalogue.what(found, "zh")
        title = catalogue.entry(code).title["zh"]
        assert HAN.search(said)
        assert not said.startswith(f"{title}："), f"no phrase for: {problem.what}"
        assert HAN.search(catalogue.fix(found, "zh"))
