from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgtune.errors import DataError
from kgtune.splitting import split_lock
from kgtune.splitting.split_lock import Lock


def test_what_is_written_is_read_back_in_the_order_of_ids(tmp_path: Path) -> None:
    path = tmp_path / split_lock.NAME
    lock = Lock({"b": "test", "a": "train"}, {"c": "a"})
    split_lock.write(path, lock)
    assert split_lock.read(path) == lock
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "version": 1, "groups": {"a": "train", "b": "test"}, "documents": {"c": "a"}
    }  # fmt: skip
    assert path.read_text(encoding="utf-8").index('"a"') < path.read_text(encoding="utf-8").index('"b"')


def test_without_a_file_nothing_is_locked(tmp_path: Path) -> None:
    assert split_lock.read(tmp_path / split_lock.NAME) == Lock()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "can't be read"),
        ("[]", "another version"),
        ('{"version": 2, "groups": {}, "documents": {}}', "another version than 1"),
        ('{"version": 1, "groups": {"a": "dev"}, "documents": {}}', "does not map groups to train, validation, test"),
        ('{"version": 1, "groups": {"a": 1}, "documents": {}}', "does not map groups"),
        ('{"version": 1, "groups": {}}', "does not map groups"),
    ],
)
def test_an_unusable_lock_stops_with_what_to_do(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / split_lock.NAME
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=what) as caught:
        split_lock.read(path)
    assert "delete it: all documents are then split anew" in str(caught.value)


def test_a_group_is_known_by_any_of_its_members() -> None:
    lock = Lock({"a": "test", "x": "train", "y": "validation"}, {"b": "a"})
    assert lock.splits_of({"b", "new"}) == ["test"]
    assert lock.splits_of({"a"}) == ["test"]
    assert lock.splits_of({"new"}) == []


def test_of_two_splits_the_one_that_more_was_learnt_from_comes_first() -> None:
    lock = Lock({"a": "test", "x": "train", "y": "validation"})
    assert lock.splits_of({"a", "x", "y"}) == ["train", "validation", "test"]
    assert lock.splits_of({"a", "y"}) == ["validation", "test"]


def test_groups_that_became_one_go_and_those_that_are_not_here_stay() -> None:
    lock = Lock({"b": "train", "c": "test", "old": "test"}, {"b2": "b", "old2": "old"})
    new = lock.with_groups({"a": "train"}, {"a": {"a", "b2", "c"}})
    assert new == Lock({"old": "test", "a": "train"}, {"old2": "old", "b2": "a", "c": "a"})
