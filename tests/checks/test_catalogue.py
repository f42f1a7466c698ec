"""One catalogue of checks: every code is documented, every code is raised somewhere, and all eighteen are there."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from kgtune.checks import catalogue
from kgtune.errors import CheckFailed, UserError

PACKAGE = Path(__file__).resolve().parents[2] / "kgtune"
CODE = re.compile(r"""["'](C\d+-[A-Z0-9-]+|P-[A-Z]+|E-SETTINGS|E-TRACKER)["':]""")
ENTRIES = catalogue.entries()


def raised():
    files = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "checks"]
    assert len(files) > 100
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_that_is_raised_is_in_the_catalogue_and_the_other_way_round():
    assert raised() == set(ENTRIES)


def test_every_code_is_made_to_fire_by_a_test():
    tests = [path for path in PACKAGE.parent.joinpath("tests").rglob("*.py") if path.parent.name != "checks"]
    told = "\n".join(path.read_text(encoding="utf-8") for path in tests)
    assert len(tests) > 150
    assert [code for code in ENTRIES if code not in told] == []


def test_all_eighteen_checks_are_there_in_their_order():
    numbers = [int(code[1:].split("-")[0]) for code in ENTRIES if code.startswith("C")]
    assert sorted(set(numbers)) == list(range(1, 19))
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("code", list(ENTRIES))
def test_a_code_has_its_texts(code):
    entry = ENTRIES[code]
    assert entry.level in ("stops", "warns")
    for text in (entry.title, entry.why, entry.fix):
        assert text.strip() == text != ""
        assert len(text.splitlines()) == 1
    assert not entry.title.endswith(".")
    assert entry.why.endswith(".")


def test_the_page_of_codes_is_written_from_the_catalogue():
    page = (PACKAGE / "checks/CODES.md").read_text(encoding="utf-8")
    assert page == catalogue.page()
    assert len(re.findall(r"^\| [CPE]\d*-", page, re.MULTILINE)) == len(ENTRIES)


def test_a_fault_is_told_with_its_code_its_place_and_what_to_do():
    error = catalogue.failed("C10-WARMUP", "schedule", warmup="100", max_steps=20)
    assert str(error) == (
        "C10-WARMUP: schedule: training.warmup_steps=100 is not below training.max_steps=20: the learning rate never "
        "gets to its peak. Give a share such as 0.05."
    )
    assert isinstance(error, UserError)
    assert error.exit_code == 2


def test_faults_that_stop_go_before_those_that_warn():
    facts = {"max_steps": 1, "num_per_step": 1, "epochs": 0.1, "num_rows": 10, "advised": 30}
    warning = catalogue.problem("C10-EPOCHS", "schedule", **facts)
    stopping = [
        catalogue.problem("C13-LM-HEAD", "keys", name="lm_head"),
        catalogue.problem("C1-NOTHING-SUPERVISED", "row r1"),
    ]
    assert catalogue.stop_or_tell([warning]) == [catalogue.told(warning)]
    with pytest.raises(CheckFailed) as caught:
        catalogue.stop_or_tell([warning, *stopping])
    assert list(caught.value.problems) == stopping
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["C13-LM-HEAD", "C1-NOTHING-SUPERVISED"]


def test_a_template_names_what_a_check_must_know():
    fields = {name for _, name, _, _ in string.Formatter().parse(ENTRIES["C18-DISK-FULL"].say) if name}
    assert fields == {"free_gib", "needed_gib", "num_checkpoints"}
    with pytest.raises(KeyError):
        catalogue.problem("C18-DISK-FULL", "out")
