"""Log lines for people and for machines."""

import json
import logging

import pytest

from kgtune.service import logs


@pytest.fixture
def logged(capsys):
    """Log one record in a format, and give what was written."""
    root = logging.getLogger()
    before = root.handlers, root.level

    def log(format_, *args, **kwargs):
        logs.configure(format_)
        logging.getLogger("kgtune.test").info(*args, **kwargs)
        return capsys.readouterr().err

    yield log
    root.handlers, root.level = before


def test_a_machine_gets_one_object_a_line(logged):
    token = logs.REQUEST_ID.set("request-7")
    line = logged("json", "夜 %s\nsecond line", "织机", extra=logs.fields(status=200, ms=1.5))
    logs.REQUEST_ID.reset(token)
    assert line.count("\n") == 1
    value = json.loads(line)
    assert value.pop("time").endswith("+00:00")
    assert value == {
        "level": "INFO", "logger": "kgtune.test", "message": "夜 织机\nsecond line",
        "request_id": "request-7", "status": 200, "ms": 1.5,
    }  # fmt: skip


def test_a_person_gets_a_line_with_the_request_at_its_end(logged):
    token = logs.REQUEST_ID.set("request-7")
    line = logged("text", "夜 %s", "织机", extra=logs.fields(status=200))
    logs.REQUEST_ID.reset(token)
    assert line.endswith("INFO kgtune.test 夜 织机 [request-7]\n")


def test_outside_of_a_request_there_is_no_id(logged):
    assert logged("text", "hello").endswith("hello\n")
    assert "request_id" not in json.loads(logged("json", "hello").splitlines()[-1])


@pytest.mark.parametrize("format_", ["text", "json"])
def test_of_an_exception_its_type_and_place_are_shown_and_not_its_words(logged, format_):
    try:
        raise ValueError("hush" + "-hush")
    except ValueError:
        line = logged(format_, "failed", exc_info=True)
    assert "ValueError" in line
    assert "test_logs.py" in line
    assert "hush-hush" not in line
