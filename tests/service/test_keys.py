"""API keys: where they come from, which are refused, and that only they are accepted."""

import hmac

import pytest

from kgtune.errors import ConfigError
from kgtune.service import keys

FIRST, SECOND = "first-key-of-the-test", "second-key-of-the-test"


def test_without_any_key_there_are_none():
    assert not keys.load({}, None)
    assert not keys.load({keys.VARIABLE: " , "}, None)


def test_keys_come_from_the_environment_and_from_a_file(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# of the other team\n{SECOND}\n\n", encoding="utf-8")
    known = keys.load({keys.VARIABLE: f"{FIRST}, another-key-of-the-test"}, str(path))
    assert [known.accept(key) for key in (FIRST, SECOND, "another-key-of-the-test")] == [True] * 3


@pytest.mark.parametrize(
    "shown", ["", FIRST[:-1], FIRST + " ", FIRST.upper(), "\udcff", "夜" * 20, "# of the other team"]
)
def test_what_is_no_key_is_not_accepted(shown):
    assert keys.load({keys.VARIABLE: FIRST}, None).accept(shown) is False


def test_every_key_is_compared_in_constant_time(monkeypatch):
    compared = []
    compare = hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or compare(a, b))
    known = keys.load({keys.VARIABLE: f"{FIRST},{SECOND}"}, None)
    assert known.accept(FIRST)
    assert compared == [(32, 32)] * 2


def test_keys_are_kept_as_hashes():
    assert FIRST not in repr(keys.load({keys.VARIABLE: FIRST}, None))


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        (f"{FIRST},short", "KGTUNE_API_KEYS: key 2 has 5 characters. Give 16 printable ASCII"),
        ("夜织机夜织机夜织机夜织机夜织机夜织机", "key 1 is not ASCII"),
        ("a key of the test", "key 1 is not ASCII"),
    ],
)
def test_a_key_that_is_guessed_or_can_not_be_sent_is_refused_without_being_shown(listed, says):
    with pytest.raises(ConfigError, match=says) as caught:
        keys.load({keys.VARIABLE: listed}, None)
    assert not any(key.strip() in str(caught.value).replace("16 printable", "") for key in listed.split(","))


@pytest.mark.parametrize(
    ("content", "says"), [(None, "can't be read"), (b"\xff\xfe", "can't be read"), (b"# none\n", "has no key")]
)
def test_a_file_of_no_use_is_refused(tmp_path, content, says):
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        keys.load({keys.VARIABLE: FIRST}, str(path))


def test_a_key_of_the_least_length_is_one():
    least = "k" * keys.MIN_CHARS
    assert keys.load({keys.VARIABLE: least}, None).accept(least)
