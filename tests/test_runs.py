"""Files are written whole or not at all, and a result says where it came from."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from datetime import datetime

import pytest

from kgtune import runs
from kgtune.errors import UserError


def test_text_is_utf8_with_plain_newlines_and_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    runs.write_text_atomic(path, "威胁\nline\n")
    assert path.read_bytes() == "威胁\nline\n".encode()
    assert os.listdir(path.parent) == ["c.txt"]


def test_json_keeps_unicode_and_order_and_ends_with_a_newline(tmp_path):
    path = tmp_path / "x.json"
    runs.write_json_atomic(path, {"b": "工具", "a": [1.0, None]})
    assert path.read_bytes() == '{\n  "b": "工具",\n  "a": [\n    1.0,\n    null\n  ]\n}\n'.encode()


def test_a_number_that_json_does_not_have_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="nan"):
        runs.write_json_atomic(tmp_path / "x.json", {"loss": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "x.txt"
    runs.write_text_atomic(path, "old")

    def full(_source, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match=r"x\.txt: can't be written: No space left on device. Choose another place"):
        runs.write_text_atomic(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_the_temporary_file_stands_in_the_same_folder(tmp_path, monkeypatch):
    seen = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda source, target: (seen.append(source), replace(source, target)))
    runs.write_text_atomic(tmp_path / "x.txt", "x")
    assert [os.path.dirname(source) for source in seen] == [str(tmp_path)]


def test_text_that_is_no_unicode_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.txt"
    runs.write_text_atomic(path, "old")
    with pytest.raises(UnicodeEncodeError):
        runs.write_text_atomic(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_folder_that_is_a_file_is_told_by_name(tmp_path):
    (tmp_path / "a").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"can't be written"):
        runs.write_text_atomic(tmp_path / "a" / "b.txt", "x")


def test_a_file_keeps_its_permissions_and_a_new_one_gets_the_usual(tmp_path):
    new, old = tmp_path / "new.txt", tmp_path / "old.txt"
    old.write_text("x", encoding="utf-8")
    old.chmod(0o600)
    plain = tmp_path / "plain.txt"
    plain.write_text("x", encoding="utf-8")
    for path in (new, old):
        runs.write_text_atomic(path, "y")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_hashes_are_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes("工具".encode())
    expected = hashlib.sha256("工具".encode()).hexdigest()
    assert runs.file_hash(tmp_path / "x") == expected
    assert runs.text_hash("工具") == expected


def test_provenance_names_commit_versions_device_and_date():
    found = runs.provenance("NVIDIA A10", libraries=["pydantic", "no-such-library"])
    assert list(found) == ["git_sha", "versions", "device", "date"]
    assert found["device"] == "NVIDIA A10"
    assert set(found["versions"]) == {"python", "pydantic"}
    assert datetime.fromisoformat(found["date"]).utcoffset().total_seconds() == 0


def test_the_commit_is_told_and_changed_files_with_it(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "-q")
    assert runs.git_sha(tmp_path) is None
    (tmp_path / "x").write_text("1", encoding="utf-8")
    git("add", "x")
    git("commit", "-q", "-m", "one")
    sha = git("rev-parse", "HEAD")
    assert runs.git_sha(tmp_path) == sha
    (tmp_path / "x").write_text("2", encoding="utf-8")
    assert runs.git_sha(tmp_path) == f"{sha}-dirty"
    (tmp_path / "inner").mkdir()
    assert runs.git_sha(tmp_path / "inner") is None


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runs.git_sha() is None
