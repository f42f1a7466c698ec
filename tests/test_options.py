"""Options that would be ignored are refused by name, in all four scripts."""

from __future__ import annotations

import argparse
import importlib

import pytest

from kgtune import config, options
from kgtune.errors import UserError

REFUSED = [
    ("fine_tune", "--merge", "--dry-run"),
    ("fine_tune", "--merge", "--preview=1"),
    ("fine_tune", "--merge", "--resume"),
    ("fine_tune", "--merge", "--evaluate-only"),
    ("fine_tune", "--dry-run", "--resume"),
    ("fine_tune", "--dry-run", "--evaluate-only"),
    ("fine_tune", "--preview=0", "--resume"),
    ("fine_tune", "--preview=2", "--evaluate-only"),
    ("fine_tune", "--evaluate-only", "--resume"),
    ("convert_data", "--check", "-o=out.json"),
    ("convert_data", "--check", "--pairs=3"),
    ("convert_data", "--fix", "--output=out.json"),
    ("convert_data", "--fix", "--pairs=3"),
    ("convert_data", "--fix", "--from=texts"),
    ("serve", "--scripted", "--model=folder"),
    ("serve", "--scripted", "--backend=openai"),
    ("serve", "--scripted", "--base-url=http://127.0.0.1:1/v1"),
]
ALONE = [
    ("fine_tune", "--vram-gib=24", "--dry-run"),
    ("convert_data", "--strict", "--check"),
    ("convert_data", "--lang=zh", "--check"),
    ("convert_data", "--max-per-code=5", "--check"),
    ("convert_data", "--report=r.json", "--check"),
]
FIRST = {
    "fine_tune": "parse_arguments",
    "convert_data": "parse_arguments",
    "inference": "arguments",
    "serve": "arguments",
}


def parse(script: str, *given: str) -> object:
    return getattr(importlib.import_module(script), FIRST[script])(list(given))


def name(option: str) -> str:
    return "--output" if option.startswith("-o") else option.partition("=")[0]


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned round"])
@pytest.mark.parametrize(("script", "one", "other"), REFUSED)
def test_an_option_that_would_be_ignored_is_a_usage_error_that_names_both(capsys, script, one, other, turned):
    given = (other, one) if turned else (one, other)
    with pytest.raises(SystemExit) as caught:
        parse(script, *given)
    said = capsys.readouterr().err.splitlines()[-1]

    assert caught.value.code == 2
    assert f"{name(other)} means nothing beside {name(one)}" in said
    for option in given:
        parse(script, option)


@pytest.mark.parametrize(("script", "option", "needed"), ALONE)
def test_an_option_without_the_one_it_belongs_to_is_a_usage_error_that_names_both(capsys, script, option, needed):
    with pytest.raises(SystemExit) as caught:
        parse(script, option)

    assert caught.value.code == 2
    assert f"{name(option)} goes with {needed}" in capsys.readouterr().err
    parse(script, option, needed)


@pytest.mark.parametrize("format_", ["raw", "stix", "cypher", "csv", "graphml", "html"])
def test_offsets_are_refused_in_formats_that_have_no_place_for_them(capsys, format_):
    with pytest.raises(SystemExit) as caught:
        parse("inference", "--text=a", "--offsets", f"--format={format_}")

    assert caught.value.code == 2
    assert "--offsets goes with --format=json or --format=jsonl only" in capsys.readouterr().err
    for fitting in ([], ["--format=json"], ["--format=jsonl"]):
        assert parse("inference", "--text=a", "--offsets", *fitting).offsets  # type: ignore[attr-defined]


def test_an_address_without_its_backend_is_refused():
    from kgtune.extraction import backends

    resolved = config.load(None, "demo", ["openai.base_url=http://127.0.0.1:1/v1"])
    with pytest.raises(UserError, match="--base-url .* means nothing without --backend openai"):
        backends.loader(".", resolved)


def test_every_pair_of_the_tables_is_tried_here():
    def pairs(table: str) -> set[tuple[str, str, str]]:
        found = {script: getattr(importlib.import_module(script), table, {}) for script in FIRST}
        return {
            (script, key, other) for script, one in found.items() for key, others in one.items() for other in others
        }

    assert pairs("APART") == {(script, name(one), name(other)) for script, one, other in REFUSED}
    needed = {(script, name(option), other) for script, option, other in ALONE}
    assert {pair for pair in pairs("NEEDS") if pair[0] != "inference" and pair[2] != "--preview"} == needed


def test_a_word_of_python_has_a_dest_with_a_line_behind_it():
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", dest="from_")
    parser.add_argument("--a", action="store_true")
    with pytest.raises(SystemExit):
        options.check(parser, parser.parse_args(["--from", "x", "--a"]), apart={"--a": ("--from",)})
    options.check(parser, parser.parse_args(["--a"]), apart={"--a": ("--from",)})
