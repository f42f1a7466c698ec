"""The READMEs' results are those of the committed file, number by number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgtune.demo import results
from kgtune.errors import UserError
from tests.evaluation import build


@pytest.fixture(scope="module")
def result():
    return {**build.result(), "run": {"seconds_before": 3.0, "losses": []}}


@pytest.fixture(scope="module")
def kept(result):
    return results.summary(result)


@pytest.mark.parametrize("lang", sorted(results.READMES))
def test_the_readme_shows_the_committed_result(lang):
    kept = json.loads(results.KEPT.read_text(encoding="utf-8"))
    readme = (results.ROOT / results.READMES[lang]).read_text(encoding="utf-8")

    assert results.shown_in(readme) == results.table(kept, lang)


def test_what_is_committed_are_the_headlines_numbers_and_where_they_are_from(kept, result):
    assert json.loads(json.dumps(kept)) == kept
    assert kept["metrics"]["entity_f1"]["after"] == result["columns"]["after"]["metrics"]["entity_f1"]
    assert kept["changes"]["entity_f1"]["verdict"] == "better"
    assert len(kept["metrics"]) >= 15
    assert kept["seconds"] == {"seconds_before": 3.0}
    assert (kept["git_sha"], kept["columns"]) == ("abc", ["before", "few_shot", "after", "after_constrained"])


def test_the_table_holds_every_committed_number_in_both_languages(kept):
    for lang in results.READMES:
        lines = results.table(kept, lang).splitlines()
        assert len(lines) == 2 + len(kept["metrics"]) + 2 * len(kept["languages"])
        one = kept["metrics"]["entity_f1"]["after"]
        assert lines[2].split(" | ")[3] == f"{one['value']:.2f} ({one['low']:.2f}-{one['high']:.2f})"
    english, chinese = (results.table(kept, lang).splitlines()[2:] for lang in ("en", "zh"))
    assert [line.split(" | ")[1:] for line in english] == [line.split(" | ")[1:] for line in chinese]


def test_a_table_is_put_between_the_marks_and_a_changed_number_is_seen(kept):
    readme = f"# Title\n\n{results.BEGIN}\nold\n{results.END}\n\nMore.\n"
    new = results.replaced(readme, results.table(kept, "en"), "README.md")

    assert results.shown_in(new) == results.table(kept, "en")
    assert (new.partition(results.BEGIN)[0], new.partition(results.END)[2]) == ("# Title\n\n", "\n\nMore.\n")
    spoilt = new.replace("1.00", "0.99", 1)
    assert results.shown_in(spoilt) != results.table(kept, "en")
    assert results.replaced(new, results.table(kept, "en"), "README.md") == new


def test_a_readme_without_marks_is_refused_with_the_lines_it_needs():
    with pytest.raises(UserError, match="README.md: has no marks.*\n<!-- results of make demo"):
        results.replaced("# Title", "table", "README.md")


def write(folder: Path, result) -> Path:
    (folder / "evaluation_results.json").write_text(json.dumps(result), encoding="utf-8")
    return folder


def test_the_command_writes_the_file_and_both_readmes(result, kept, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "KEPT", tmp_path / "kept.json")
    for name in results.READMES.values():
        (tmp_path / name).write_text(f"{results.BEGIN}\n{results.END}\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["results", str(write(tmp_path, result)), "--write"])

    assert results.main() == 0
    assert capsys.readouterr().out.strip() == results.table(kept, "en")
    assert json.loads((tmp_path / "kept.json").read_text(encoding="utf-8")) == kept
    assert results.shown_in((tmp_path / "README.zh-CN.md").read_text(encoding="utf-8")) == results.table(kept, "zh")


def test_a_missing_mark_leaves_everything_as_it_was(result, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "KEPT", tmp_path / "kept.json")
    for name in results.READMES.values():
        (tmp_path / name).write_text("nothing here", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["results", str(write(tmp_path, result)), "--write"])

    with pytest.raises(UserError):
        results.main()
    assert not (tmp_path / "kept.json").exists()


def test_a_result_of_an_earlier_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["results", str(write(tmp_path, {"schema_version": 1}))])

    with pytest.raises(UserError, match="earlier version"):
        results.main()
