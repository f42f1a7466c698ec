"""A remedy can be followed: it fits the column, names settings that there are, and none that is already so."""

from __future__ import annotations

import re
from itertools import product
from typing import get_args

import pytest

from kgtune import config
from kgtune.evaluation.evaluation import Which
from kgtune.scoring import remedies
from kgtune.scoring.taxonomy import FINDINGS

CONSTRAINTS = ("full", "schema", "none")
KEYS = {config.dotted(path) for path, _ in config.leaves(config.load().config.model_dump())}
FILES = {"inference.py", "serve.py", "training_samples.json"}
NAMED = re.compile(r"\b[a-z_]+\.[a-z_]+(?:=\S*\w)?")
EVERY = list(product(FINDINGS, [*get_args(Which), "their_system"], [*CONSTRAINTS, None]))


def test_every_remedy_is_given_and_every_finding_has_one_in_every_column() -> None:
    assert len(EVERY) == 20 * 5 * 4
    assert {remedies.remedy(*case) for case in EVERY} == set(remedies.REMEDIES)
    assert set(remedies.ROLES) == set(get_args(Which))
    assert {*remedies.SHAPE, *remedies.NAMES, *remedies.REFERENCES} < set(FINDINGS)


@pytest.mark.parametrize("name", sorted(remedies.REMEDIES))
def test_a_remedy_names_only_settings_that_there_are(name: str) -> None:
    named = set(NAMED.findall(remedies.REMEDIES[name].replace("{constraint}", "full"))) - FILES
    assert {one.partition("=")[0] for one in named} <= KEYS
    for one in named:
        if "=" in one:
            config.load(None, None, [one])  # refuses a value that the key does not take


@pytest.mark.parametrize("system", ["before", "few_shot"])
def test_the_base_is_not_told_to_train(system: str) -> None:
    told = {remedies.told(code, system, constraint) for code in FINDINGS for constraint in CONSTRAINTS}
    assert told == {"Nothing to mend here: this is the base, before fine-tuning."}


@pytest.mark.parametrize("system", ["after", "after_constrained"])
@pytest.mark.parametrize("code", sorted(FINDINGS))
def test_what_is_already_so_is_not_advised(code: str, system: str) -> None:
    assert "Set decoding.constraint=full" not in remedies.told(code, system, "full")
    is_graph = code in {*remedies.NAMES, *remedies.REFERENCES}
    assert ("Set decoding.constraint=full" in remedies.told(code, system, "schema")) == is_graph


def test_free_answers_are_told_what_rules_the_fault_out() -> None:
    assert "(decoding.constraint=schema; the column after_constrained)" in remedies.told("quotes", "after", "schema")
    assert remedies.told("quotes", "after", "none").startswith("Set decoding.constraint=full, raise training.max_steps")
    assert remedies.told("cut_off", "after_constrained", "full").startswith("Raise decoding.max_new_tokens")


@pytest.mark.parametrize("code", sorted(FINDINGS))
@pytest.mark.parametrize("system", ["after", "gpt"])
def test_a_system_of_the_scorers_gets_no_setting_of_ours(code: str, system: str) -> None:
    assert NAMED.findall(remedies.told(code, system, None)) == []
