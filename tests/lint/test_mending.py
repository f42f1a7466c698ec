"""What --fix writes: lossless, minimal, the same the second time, and told beforehand by --check."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgtune import lint, ontology
from kgtune.errors import UserError
from kgtune.lint import mending
from kgtune.sources import read_raw

ONTOLOGY = ontology.load("threat_event")
TEXT = "Petrel’s crew used LanternRAT（v2） on 192.0.2.7."
EDGE = {"type": "USE", "source": "o", "target": "t", "confidence": 0.9, "evidence": "used LanternRAT（v2）"}


def item(entities=None, edges=None, **more):
    entities = entities or [
        {"labels": "ThreatOrganization", "id": "o", "name": "Petrel’s crew"},
        {"labels": "Tool", "id": "t", "name": "LanternRAT（v2）"},
    ]
    return {
        "id": "r1",
        "text": TEXT,
        "entities": entities,
        "relationships": [EDGE] if edges is None else edges,
        "mine": {"k": [1, 2.50, None]},
        **more,
    }


def planned(tmp_path, content, name="raw.json"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return mending.mending(path, ONTOLOGY)


def fixed(tmp_path, content, name="raw.json"):
    plan = planned(tmp_path, content, name)
    return sorted({finding.code for finding in plan.findings}), plan.text


def test_a_sound_file_has_nothing_to_mend(tmp_path):
    content = json.dumps([item()], indent=2)
    assert fixed(tmp_path, content) == ([], content)


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ({"id": " o "}, {"id": "o"}, ["F-ID"]),
        ({"name": " Petrel’s crew\n"}, {"name": "Petrel’s crew"}, ["F-SPACE"]),
        ({"labels": ["ThreatOrganization"]}, {"labels": "ThreatOrganization"}, ["F-LABELS"]),
        ({"labels": " ThreatOrganization"}, {"labels": "ThreatOrganization"}, ["F-SPACE"]),
        ({"labels": "threat-actor"}, {"labels": "ThreatOrganization"}, ["W-LABEL-SPELLING"]),
        ({"labels": ["威胁组织 "]}, {"labels": "ThreatOrganization"}, ["F-LABELS", "F-SPACE", "W-LABEL-SPELLING"]),
        (
            {"labels": "threat-actor", "type": "threat-actor"},
            {"labels": "ThreatOrganization", "type": "ThreatOrganization"},
            ["W-LABEL-SPELLING"],
        ),
        (
            {"labels": "threat-actor", "type": "mine"},
            {"labels": "ThreatOrganization", "type": "mine"},
            ["W-LABEL-SPELLING"],
        ),
        ({"name": "Petrel's crew"}, {"name": "Petrel’s crew"}, ["W-NAME-SPELLING"]),
        ({"labels": ["ThreatOrganization", "Tool"]}, None, []),  # to keep one would lose the other
        ({"labels": "Fruit"}, None, []),
        ({"name": "petrel's crew"}, None, []),  # case is the writer's
        ({"name": "Petrels crew"}, None, []),
        ({"id": 5}, None, []),
    ],
)
def test_an_entity(tmp_path, old, new, codes):
    entity = {"labels": "ThreatOrganization", "id": "o", "name": "Petrel’s crew", "extra": [1]}
    other = {"labels": "Tool", "id": "t", "name": "LanternRAT（v2）"}
    content = json.dumps([item([entity | old, other], [])], indent=1, ensure_ascii=False)
    expected = json.loads(content)
    if new:
        expected[0]["entities"][0] |= new
    found, text = fixed(tmp_path, content)
    assert (found, json.loads(text)) == (codes, expected)


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        *[({"confidence": spelling}, {"confidence": number}, ["F-CONFIDENCE"]) for spelling, number in [
            ("95%", 0.95), ("0.95", 0.95), (95, 0.95), ("高", 0.85), ("High", 0.85), ("０．９５", 0.95), ("0,95", 0.95), ("95 %", 0.95)
        ]],
        ({"confidence": 1}, None, []),
        ({"confidence": 0.5}, None, []),
        ({"confidence": None}, None, []),
        ({"confidence": "1.5"}, None, []),  # what it means is not certain
        ({"confidence": True}, None, []),
        ({"type": "uses"}, {"type": "USE"}, ["W-TYPE-SPELLING"]),
        ({"type": " 使用 "}, {"type": "USE"}, ["F-SPACE", "W-TYPE-SPELLING"]),
        ({"source": " o"}, {"source": "o"}, ["F-ID"]),
        ({"target": "lanternrat(v2)"}, {"target": "t"}, ["W-END-NAME"]),
        ({"target": "nobody"}, None, []),
        ({"evidence": "used LanternRAT(v2)"}, {"evidence": "used LanternRAT（v2）"}, ["W-EVIDENCE-SPELLING"]),
        ({"evidence": " used LanternRAT（v2） "}, {"evidence": "used LanternRAT（v2）"}, ["F-SPACE"]),
        ({"evidence": ""}, None, []),
    ],
)  # fmt: skip
def test_a_relationship(tmp_path, old, new, codes):
    content = json.dumps([item(edges=[EDGE | old])], ensure_ascii=False)
    expected = json.loads(content)
    expected[0]["relationships"][0] |= new or {}
    found, text = fixed(tmp_path, content)
    assert (found, json.loads(text)) == (codes, expected)


def test_a_name_that_two_entities_share_is_no_end(tmp_path):
    entities = [{"labels": "Tool", "id": "a", "name": "Latch"}, {"labels": "Asset", "id": "b", "name": "Latch"}]
    content = json.dumps([item(entities, [EDGE | {"source": "a", "target": "Latch"}])])
    assert "W-END-NAME" not in fixed(tmp_path, content)[0]


def test_all_else_stays_byte_for_byte(tmp_path):
    content = '[ {"id":"r1" , "text" : "Vexa",\n\n "entities":[{"id":"a","labels":[ "Tool" ] ,"name":"Vexa","k":1.50e0}],"relationships":[]} ]'
    assert fixed(tmp_path, content) == (["F-LABELS"], content.replace('[ "Tool" ]', '"Tool"'))
    escaped = json.dumps([item(edges=[EDGE | {"evidence": "used LanternRAT(v2)"}])])
    assert fixed(tmp_path, escaped)[1] == escaped.replace("(v2)", "\\uff08v2\\uff09")


def test_marks_and_line_ends_go_and_the_rest_is_the_same(tmp_path):
    content = json.dumps([item()], indent=1, ensure_ascii=False)
    crlf = b"\xef\xbb\xbf" + content.replace("\n", "\r\n").encode()
    assert fixed(tmp_path, crlf) == (["F-ENCODING", "F-NEWLINE"], content)
    assert fixed(tmp_path, content.encode("utf-16")) == (["F-ENCODING"], content)


def test_trailing_commas_go_also_inside_a_value_that_is_rewritten(tmp_path):
    content = '[{"id": "r1", "text": "Vexa, ]", "entities": [{"id": " a", "labels": ["tool",], "name": "Vexa",},], "relationships": [],},\n]'
    codes, text = fixed(tmp_path, content)
    assert codes == ["F-COMMA", "F-ID", "F-LABELS", "W-LABEL-SPELLING"]
    assert (
        text
        == '[{"id": "r1", "text": "Vexa, ]", "entities": [{"id": "a", "labels": "Tool", "name": "Vexa"}], "relationships": []}\n]'
    )


def test_json_lines_are_mended_line_by_line_and_a_broken_line_is_left(tmp_path):
    lines = [
        json.dumps(item(edges=[EDGE | {"confidence": "95%"}])),
        '{"id": "r2", "text": "x"',
        json.dumps(item(id="r3 ")),
    ]
    codes, text = fixed(tmp_path, "\n".join(lines) + "\n", "raw.jsonl")
    assert codes == ["F-CONFIDENCE", "F-ID"]
    assert text.splitlines() == [lines[0].replace('"95%"', "0.95"), lines[1], lines[2].replace('"r3 "', '"r3"')]


def test_a_graph_by_chunks_is_mended_against_all_texts_of_an_item(tmp_path):
    chunk = [{"chunk_content": "first"}, {"chunk_content": TEXT}]
    graph = {
        "entities": [
            {
                "id": " o",
                "labels": "threat-actor",
                "type": "threat-actor",
                "name": "Petrel's crew",
                "chunks_info": chunk,
            }
        ],
        "relationships": [EDGE | {"confidence": "90%", "source": " o", "chunks_info": chunk}],
        "statistics": {"total": 1},
    }
    codes, text = fixed(tmp_path, json.dumps(graph, indent=2))
    assert codes == ["F-CONFIDENCE", "F-ID", "W-LABEL-SPELLING", "W-NAME-SPELLING"]
    expected = json.loads(json.dumps(graph))
    expected["entities"][0] |= {
        "id": "o",
        "labels": "ThreatOrganization",
        "type": "ThreatOrganization",
        "name": "Petrel’s crew",
    }
    expected["relationships"][0] |= {"confidence": 0.9, "source": "o"}
    assert json.loads(text) == expected


def test_a_training_row_is_mended_inside_its_string(tmp_path):
    output = json.dumps({"entities": [{"labels": "tool", "id": "a", "name": "LanternRAT(v2)"}], "relationships": []})
    row = {"input": TEXT, "output": output, "note": "mine"}
    codes, text = fixed(tmp_path, json.dumps([row], ensure_ascii=False))
    assert codes == ["W-LABEL-SPELLING", "W-NAME-SPELLING"]
    mended = json.loads(text)[0]
    assert json.loads(mended["output"])["entities"] == [{"labels": "Tool", "id": "a", "name": "LanternRAT（v2）"}]
    assert {key: mended[key] for key in ("input", "note")} == {"input": TEXT, "note": "mine"}


@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "x", "label": [[0, 1, "tool"]]}]',  # another format: its values are not ours to judge
        '[{"data": {"text": "x"}, "annotations": []}]',
        "[1, 2, null]",
        '{"type": "bundle", "objects": []}',
    ],
)
def test_another_format_is_left_alone(tmp_path, content):
    assert fixed(tmp_path, content) == ([], content)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"", b"\xff\xfe\x00", b'[{"a" 1}]', "组织".encode("gb18030")])
def test_what_is_no_json_or_broken_is_not_mended(tmp_path, content):
    assert planned(tmp_path, content) is None


def test_the_copy_and_the_diff_stand_beside_the_file_which_is_not_touched(tmp_path):
    content = b"\xef\xbb\xbf" + json.dumps([item(edges=[EDGE | {"confidence": "95%"}])], indent=1).encode()
    plan = planned(tmp_path, content)
    target, difference = mending.write(plan)
    assert (target.name, difference.name) == ("raw.fixed.json", "raw.fixed.diff")
    assert (tmp_path / "raw.json").read_bytes() == content
    assert difference.read_text(encoding="utf-8").startswith(
        f"# {tmp_path / 'raw.json'}: UTF-8 byte order mark\n--- raw.json\n"
    )
    (tmp_path / "b.diff").write_text("[]", encoding="utf-8")
    assert mending.mending(tmp_path / "b.diff", ONTOLOGY).text == "[]"


def test_a_file_is_never_written_over_itself(tmp_path):
    name = "raw.fixed.diff"  # its own diff would have this name
    (tmp_path / name).write_text('[{"id": " a", "text": "x", "entities": [], "relationships": []}]', encoding="utf-8")
    plan = mending.mending(tmp_path / name, ONTOLOGY)
    assert mending.write(plan)[0].name == "raw.fixed.fixed.diff"
    (tmp_path / "x").write_text("[1,]", encoding="utf-8")
    plan = mending.mending(tmp_path / "x", ONTOLOGY)
    assert [path.name for path in mending.write(plan)] == ["x.fixed", "x.fixed.diff"]


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch program")
def test_the_diff_turns_the_file_into_the_copy(tmp_path):
    items = [
        item(
            edges=[EDGE | {"confidence": f"{n}%"}],
            id=f"r{n}",
            entities=[{"labels": ["Tool"], "id": f" t{n}", "name": "x"}],
        )
        for n in range(2, 30)
    ]
    content = (
        json.dumps(items, indent=1, ensure_ascii=False).replace("]\n  }", "],\n  }").replace('"Tool"\n', '"Tool",\n')
    )
    plan = planned(tmp_path, content)
    target, difference = mending.write(plan)
    assert len(target.read_text(encoding="utf-8").splitlines()) < len(content.splitlines())
    done = subprocess.run(["patch", "raw.json", difference.name], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "raw.json").read_bytes() == target.read_bytes()
    check_line_numbers(difference.read_text(encoding="utf-8"), content, target.read_text(encoding="utf-8"))


def check_line_numbers(diff, old, new):
    """Hold every hunk to its numbers: patch forgives those of the new file."""
    hunks = re.findall(r"^@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n((?:[-+].*\n)+)", diff, re.MULTILINE)
    assert len(hunks) > 5
    for *numbers, body in hunks:
        first, count, new_first, new_count = map(int, numbers)
        lines = body.splitlines()
        assert [line[1:] for line in lines if line[0] == "-"] == old.split("\n")[first - 1 : first - 1 + count]
        added = [line[1:] for line in lines if line[0] == "+"]
        assert added == new.split("\n")[new_first - 1 : new_first - 1 + new_count]


def test_labels_are_counted_over_all_shapes_for_the_choice_of_an_ontology(tmp_path):
    output = json.dumps({"entities": [{"labels": "malware"}], "relationships": [{"type": "uses "}]})
    (tmp_path / "a.json").write_text(
        json.dumps([item(), {"input": "x", "output": output}])[:-1] + ",]", encoding="utf-8"
    )
    (tmp_path / "b.json").write_text(
        '{"entities": [{"type": ["tool"]}], "relationships": [{"type": "drops"}]}', encoding="utf-8"
    )
    seen = mending.seen_in([tmp_path / "a.json", tmp_path / "b.json", tmp_path / "none.json"])
    assert dict(seen.labels) == {"ThreatOrganization": 1, "Tool": 1, "malware": 1, "tool": 1}
    assert dict(seen.types) == {"USE": 1, "uses": 1, "drops": 1}


# properties

SPACE = st.sampled_from(["", "", " ", "\n", "　"])
NAMES = st.sampled_from(
    ["Petrel’s crew", "Petrel's crew", "LanternRAT（v2）", "LanternRAT(v2)", "１９２．０．２．７", "other"]
)
EXTRA = st.dictionaries(st.sampled_from(["note", "k", "labelled"]), st.text() | st.floats(allow_nan=False), max_size=2)


@st.composite
def entity(draw, number):
    label = draw(st.sampled_from(["Tool", "tool", ["Tool"], "threat-actor", "工具", "Fruit", ["A", "B"]]))
    name = draw(SPACE) + draw(NAMES) + draw(SPACE)
    return {"labels": label, "id": draw(SPACE) + f"e{number}" + draw(SPACE), "name": name, **draw(EXTRA)}


@st.composite
def record(draw):
    number = draw(st.integers(1, 4))
    entities = [draw(entity(n)) for n in range(number)]
    end = st.sampled_from([f"e{n}" for n in range(number)] + [" e0 ", "Petrel's crew", "nobody"])
    confidence = st.sampled_from([0.9, 1, 95, "95%", "高", "０．８", "0,7", None, "", "none", 0])
    edges = [
        {"type": draw(SPACE) + draw(st.sampled_from(["USE", "uses", "使用", "EATS"])), "source": draw(end), "target": draw(end),
         "confidence": draw(confidence), "evidence": draw(SPACE) + draw(NAMES), **draw(EXTRA)}
        for _ in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    return {
        "id": draw(SPACE) + f"r{draw(st.integers(0, 10**9))}",
        "text": TEXT,
        "entities": entities,
        "relationships": edges,
        **draw(EXTRA),
    }


@st.composite
def written(draw):
    """Give items and a text of them: array or lines, any layout, escaped or not, CRLF, mark, trailing comma."""
    items = [
        one | {"id": f"{one['id']}-{number}"}
        for number, one in enumerate(draw(st.lists(record(), min_size=1, max_size=3)))
    ]
    ascii_only = draw(st.booleans())
    if draw(st.booleans()):
        text = json.dumps(items, indent=draw(st.sampled_from([None, 1, 2])), ensure_ascii=ascii_only)
        if draw(st.booleans()):
            text = text[:-1] + ",\n]"
    else:
        text = "".join(json.dumps(one, ensure_ascii=ascii_only) + "\n" for one in items)
    text = text.replace("\n", "\r\n") if draw(st.booleans()) else text
    return items, draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()


@pytest.mark.property
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written())
def test_mending_loses_nothing_is_read_the_same_and_finds_nothing_the_second_time(tmp_path, case):
    items, content = case
    plan = planned(tmp_path, content)
    again = planned(tmp_path, plan.text, "again.json")
    assert (again.findings, again.text) == ((), plan.text)

    mended = [item.value for item in lint.json_text.items(plan.text)]
    changed = {(f.place.record - 1, f.place.path) for f in plan.findings if f.place.record}
    assert len(mended) == len(items)
    for number, (old, new) in enumerate(zip(items, mended, strict=True)):
        assert leaves(old, number, changed) == leaves(new, number, changed)

    before, after = read_raw([tmp_path / "raw.json"]), read_raw([tmp_path / "again.json"])
    if not any(problem.code == "E-JSON" for problem in before.problems):  # a trailing comma hides all behind it
        assert [problem.code for problem in before.problems] == [problem.code for problem in after.problems]
        assert len(before.documents) == len(after.documents)
        for old, new in zip(before.documents, after.documents, strict=True):
            assert (old.id, old.text) == (new.id, new.text)
            assert [(e.id, ONTOLOGY.canonical_label(e.labels) or e.labels) for e in old.graph.entities] == [
                (e.id, e.labels) for e in new.graph.entities
            ]
            assert said(old.graph) == said(new.graph)


def said(graph):
    """Return every relationship with its highest confidence; those that mending made alike are read as one."""
    found = {}
    for edge in graph.relationships:
        key = (edge.source, ONTOLOGY.canonical_type(edge.type) or edge.type, edge.target)
        found[key] = max(edge.confidence, found.get(key, 0.0))
    return found


def leaves(item, number, changed):
    """Return every value that was not to change, by path."""
    text = json.dumps(item)
    nodes = lint.json_text.parse(text).walk()
    return {
        path: node.value
        for path, node in nodes
        if not node.members
        and not node.items
        and not any(path == at or path.startswith(f"{at}[") for n, at in changed if n == number)
    }


@pytest.mark.property
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written())
def test_check_tells_exactly_what_fix_does_and_no_more_of_it_in_the_copy(tmp_path, case):
    _, content = case

    def fixable(name):
        path = tmp_path / name
        raw_set = read_raw([path])
        plan = mending.mending(path, ONTOLOGY)
        found = list(lint.check(raw_set.documents, ONTOLOGY, problems=raw_set.problems, paths=[path]))
        told = {(f.code, f.place) for f in found if f.is_fixable}
        return raw_set, {(f.code, f.place) for f in plan.findings}, told, found

    plan = planned(tmp_path, content)
    raw_set, mends, told, _ = fixable("raw.json")
    assert told <= mends
    if not raw_set.problems:  # what a reader could not use is not checked further
        twice = {"W-LABEL-SPELLING", "W-TYPE-SPELLING", "W-NAME-SPELLING", "W-EVIDENCE-SPELLING"}
        assert {f for f in mends if f[0] not in twice} <= told
    (tmp_path / "again.json").write_bytes(plan.text.encode())
    _, mends, told, found = fixable("again.json")
    assert (mends, told) == (set(), set())
    assert not {f.code for f in found} & set(mending.CODES)


def test_errors_of_writing_are_the_users(tmp_path):
    plan = planned(tmp_path, "[1,]")
    (tmp_path / "raw.fixed.json").mkdir()
    with pytest.raises(UserError, match=r"raw\.fixed\.json: can't be written"):
        mending.write(plan)
