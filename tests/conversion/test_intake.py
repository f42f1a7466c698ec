"""What a conversion refuses or leaves out: labels and types that its ontology does not have, and how they are told."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kgtune import config, ontology, sources
from kgtune.conversion import checking, conversion, intake
from kgtune.conversion.conversion import Converted
from kgtune.errors import DataError
from kgtune.lint import names
from kgtune.lint.strangers import Strangers
from kgtune.sources import Findings
from tests.conversion.test_conversion import items

LABEL, TYPE = names.UNKNOWN


def slipped() -> list[dict[str, Any]]:
    """Return sound items, but for a label in the third, a type in the sixth, and both in the eighth."""
    made = json.loads(json.dumps(items(30)))
    for number in (2, 7):
        made[number]["entities"][0]["labels"] += "s"
    for number in (5, 7):
        kind = made[number]["relationships"][0]["type"]
        made[number]["relationships"][0]["type"] = f"{kind}X"
    return made


def written(path: Path, made: object) -> Path:
    path.write_text(json.dumps(made, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def converted(source: Path, *overrides: str) -> Converted:
    output = source.with_name("training_data.json")
    return conversion.convert([source], config.load(None, None, ["data.workers=1", *overrides]), output)


def refused(source: Path, *overrides: str) -> DataError:
    with pytest.raises(DataError) as caught:
        converted(source, *overrides)
    assert [path.name for path in source.parent.iterdir()] == [source.name]
    return caught.value


@pytest.mark.parametrize("setting", ["auto", "threat_event"])
def test_every_name_that_the_ontology_lacks_is_refused_with_its_place_and_nearest(tmp_path: Path, setting: str) -> None:
    made = slipped()
    source = written(tmp_path / "raw.json", made)
    lines = source.read_text(encoding="utf-8").splitlines()
    error = refused(source, f"ontology={setting}")
    kind = made[5]["relationships"][0]["type"]
    label = made[2]["entities"][0]["labels"]
    at = next(n for n, line in enumerate(lines, 1) if f'"{label}"' in line)
    assert [problem.code for problem in error.problems] == [LABEL, TYPE, LABEL, TYPE]
    assert error.problems[0].where == f"{source}:{at}: item 3 (id={made[2]['id']}): entities[0].labels"
    assert f'label "{label}" is not in the ontology threat_event.' in error.problems[0].what
    assert error.problems[0].what.endswith(f'Did you mean "{label[:-1]}"?')
    assert error.problems[1].where.endswith(f"item 6 (id={made[5]['id']}): relationships[0].type")
    assert f'type "{kind}" is not' in error.problems[1].what
    for remedy in ("Rename it", "ontology=PATH", "ontology=auto", "data.on_error=drop"):
        assert remedy in error.problems[0].fix
    assert str(error).startswith("4 problems in the input, nothing written:\n")


def test_a_conversion_refuses_what_a_check_calls_an_error(tmp_path: Path) -> None:
    made = slipped()
    made[2]["relationships"].append({"type": "USE", "source": "nobody", "target": "e0", "confidence": 2})
    made[7]["confidence"] = made[9]["entities"][0]["name"] = ""
    made[9]["entities"][0]["labels"] += "s"
    source = written(tmp_path / "raw.json", made)
    error = refused(source)
    tally = checking.check([source], config.load(None, None, []).config, "auto")
    expected = {(f.code, str(f.place)) for f in tally.findings() if f.level == "error"}
    assert {(problem.code, problem.where) for problem in error.problems} == expected
    assert sum(code == LABEL for code, _ in expected) == 3


def test_what_is_dropped_is_counted_and_the_rest_is_as_if_it_had_never_been_there(tmp_path: Path) -> None:
    made = slipped()
    (tmp_path / "all").mkdir()
    (tmp_path / "rest").mkdir()
    dropped = converted(written(tmp_path / "all" / "raw.json", made), "data.on_error=drop")
    rest = [item for number, item in enumerate(made) if number not in (2, 5, 7)]
    expected = converted(written(tmp_path / "rest" / "raw.json", rest), "data.on_error=drop")
    documents, others = dropped.report["documents"], expected.report["documents"]
    assert {code: documents["dropped"][code] for code in names.UNKNOWN} == {LABEL: 2, TYPE: 1}
    assert documents["read"] == documents["used"] + sum(documents["dropped"].values()) == len(made)
    assert documents["used"] == others["used"]
    for name in ("training_data.json", "ontology.yaml", "splits.lock.json"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "rest" / name).read_bytes()


def test_what_is_taken_in_adds_up_and_the_first_documents_are_those_that_are_used(tmp_path: Path) -> None:
    made = slipped()
    cfg = config.load(None, None, ["data.workers=1", "data.on_error=drop"]).config
    with ExitStack() as stack:
        taken = intake.take_in([written(tmp_path / "raw.json", made)], cfg, "auto", stack, tmp_path)
        used = [item["id"] for number, item in enumerate(made) if number not in (2, 5, 7)]
        assert [taken.spill.document(position).id for position in range(len(taken.spill))] == used
    assert [document.id for document in taken.first] == used
    assert [card.id for card in taken.gathered.cards] == used
    dropped = sum(number for what, number in taken.counts.items() if what.startswith("dropped: "))
    assert (taken.counts["read"], taken.counts["used"], dropped) == (30, 27, 3)


def test_the_names_of_items_with_problems_count_when_the_ontology_is_chosen(tmp_path: Path) -> None:
    made = items(30)[7:10]
    for item in made:
        item["relationships"][0]["target"] = "nobody"
    made.append({"text": "Latch came by.", "relationships": [],
                 "entities": [{"labels": "Toool", "id": "t", "name": "Latch"}]})  # fmt: skip
    error = refused(written(tmp_path / "raw.json", made))
    assert [problem.code for problem in error.problems] == ["E-DANGLING"] * 3 + [LABEL]
    assert error.problems[-1].what.endswith('Did you mean "Tool"?')


def test_spellings_that_the_ontology_knows_are_written_as_it_does(tmp_path: Path) -> None:
    made = items(30)
    made[0]["entities"][0]["labels"] = {"ThreatOrganization": "威胁组织"}.get(
        made[0]["entities"][0]["labels"], made[0]["entities"][0]["labels"].upper()
    )
    report = converted(written(tmp_path / "raw.json", made)).report
    assert [note for note in report["notes"] if note.startswith("label ")]
    assert not {*names.UNKNOWN} & {*report["documents"]["dropped"]}


def test_a_vocabulary_of_the_datas_own_is_derived_and_refused_only_where_another_is_set(tmp_path: Path) -> None:
    made = items(30)
    for item in made:
        for entity in item["entities"]:
            entity["labels"] = f"Own{entity['labels'][:4]}Thing"
    source = written(tmp_path / "raw.json", made)
    error = refused(source, "ontology=threat_event")
    num_entities = sum(len(item["entities"]) for item in made)
    assert len(error.problems) > num_entities // 2
    assert {problem.code for problem in error.problems} == {LABEL}
    assert converted(source).ontology.name == "derived"


def test_rows_of_input_and_output_go_by_the_same_rule(tmp_path: Path) -> None:
    made = [
        {"input": item["text"], "id": item["id"],
         "output": json.dumps({key: item[key] for key in ("entities", "relationships")})} for item in slipped()
    ]  # fmt: skip
    source = written(tmp_path / "rows.json", made)
    error = refused(source)
    assert [problem.code for problem in error.problems] == [LABEL, TYPE, LABEL, TYPE]
    assert error.problems[0].where.endswith("output.entities[0].labels")
    assert converted(source, "data.on_error=drop").report["documents"]["dropped"][LABEL] == 2


def test_a_label_of_a_graph_by_chunks_is_told_once(tmp_path: Path) -> None:
    texts = [f"Vexa deployed Latch in week {number}." for number in (37, 74, 111)]
    infos = [{"chunk_index": n, "chunk_content": text} for n, text in enumerate(texts)]
    entities = [{"labels": label, "id": name, "name": name, "chunks_info": infos}
                for label, name in (("ThreatOrganisation", "Vexa"), ("Tool", "Latch"))]  # fmt: skip
    uses = {"type": "USE", "source": "Vexa", "target": "Latch", "confidence": 0.9, "chunks_info": infos}
    error = refused(written(tmp_path / "raw.json", {"entities": entities, "relationships": [uses]}))
    (problem,) = error.problems
    assert (problem.code, "entities[0].labels" in problem.where) == (LABEL, True)


def test_data_without_a_strange_name_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    once = sources.stream

    def counting(*args: Any, **options: Any) -> Any:
        read.append(args)
        return once(*args, **options)

    monkeypatch.setattr(sources, "stream", counting)
    converted(written(tmp_path / "raw.json", items(30)))
    assert len(read) == 1


def test_problems_that_are_too_many_to_tell_are_counted(tmp_path: Path) -> None:
    found = Strangers(ontology.load("threat_event"), most_kept=3)
    for document in sources.read_raw([written(tmp_path / "raw.json", slipped())]).documents:
        found.look(document)
    with pytest.raises(DataError, match="^4 problems in the input, of which 3 stand here, nothing written:") as caught:
        intake.refuse(Findings(), config.load(None, None, []).config, 30, found)
    assert len(caught.value.problems) == 3


def test_an_input_of_which_nothing_is_left_says_why(tmp_path: Path) -> None:
    made = [item for number, item in enumerate(slipped()) if number in (2, 5)]
    error = refused(written(tmp_path / "raw.json", made), "data.on_error=drop")
    assert str(error) == (
        f"No document is left to convert, nothing written. Read 2, dropped:\n      1  {LABEL}\n      1  {TYPE}"
    )
