"""How a process logs: lines for people or JSON for machines, each with the id of the request it is about.

Knows nothing about HTTP. What a record says is up to its writer, and texts are never among it.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The request that the current task works for; empty outside of one."""


def fields(**values: Any) -> dict[str, Any]:
    """Make the `extra` of a log call: values that a JSON line has as keys of their own."""
    return {"fields": values}


class WordlessFormatter(logging.Formatter):
    """Shows of an exception its type and where it was raised: its words may quote a text."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        kind, _, stack = ei
        return "".join(traceback.format_tb(stack)) + (kind.__name__ if kind else "")


class JsonFormatter(WordlessFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(WordlessFormatter):
    """One line for a person; the request's id stands at its end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return f"{line} [{request_id}]" if (request_id := REQUEST_ID.get()) else line


def configure(format_: LogFormat) -> None:
    """Send every record of level INFO and above to stderr in one format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format_ == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
