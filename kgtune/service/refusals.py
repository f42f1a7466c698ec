"""Why a request gets no graph, in HTTP's terms: a status, and what, where and what to do.

Knows nothing about frameworks. `reason` is a short word for counting; texts are never quoted.
"""

from __future__ import annotations

import logging
import re

from kgtune import graph as graphs
from kgtune.errors import UserError
from kgtune.extraction.extractor import Extraction
from kgtune.extraction.interruption import BackendError
from kgtune.service import jobs
from kgtune.service.jobs import State

logger = logging.getLogger(__name__)

CLIENT_GONE = 499  # as nginx has it: nobody reads this answer, but the log line shows it
# Left over from PDFs and terminals; no model was trained on them. Tabs and line ends stay.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class RefusalError(Exception):
    """A request that gets no graph."""

    def __init__(self, status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers = headers or {}


def usable_text(text: str, max_chars: int, where: str) -> tuple[str, int]:
    """Return the text with each control character replaced by a space, and how many those are; or refuse it.

    One character for one, so that offsets are those of the text that was sent.
    """
    if graphs.HALF_CHARACTER.search(text):
        what = f"{where}: holds half a character (a lone surrogate, \\ud800 to \\udfff). Remove it."
        raise RefusalError(422, "half_character", what)
    if len(text) > max_chars:
        what = f"{where}: has {len(text)} characters; the limit is {max_chars} (service.max_text_chars)."
        raise RefusalError(413, "text_too_long", f"{what} Split the text, or raise the limit in config.yaml.")
    usable, num_replaced = _CONTROL.subn(" ", text)
    if not usable.strip():
        raise RefusalError(422, "empty_text", f"{where}: is empty. Send the text of a report.")
    return usable, num_replaced


def not_ready(state: State) -> RefusalError:
    """Say why no text is taken."""
    if state == "loading":
        return RefusalError(503, state, "model: is loading. Try again in a few seconds.", {"Retry-After": "5"})
    if state == "stopping":
        return RefusalError(503, state, "service: is stopping. Try again when it is back.", {"Retry-After": "5"})
    fix = "The server's log says why: mend it, then start the service again."
    return RefusalError(503, state, f"model: could not be loaded, or its worker died. {fix}")


def of_engine(error: Exception, *, timeout_s: float, retry_after_s: int) -> RefusalError:
    """Say in HTTP's terms what the engine, or a user error of the extractor, says."""
    if isinstance(error, jobs.NotReadyError):
        return not_ready(error.state)
    if isinstance(error, jobs.QueueFullError):
        return _overloaded(error, timeout_s)
    if isinstance(error, jobs.MemoryFullError):
        what = f"model: the device has no memory for this text now. Try again in {retry_after_s} s, or split it."
        return RefusalError(503, "device_memory", what, {"Retry-After": str(retry_after_s)})
    if isinstance(error, jobs.DeadlineError):
        fix = "Send a shorter text, try when the service is less busy, or raise service.timeout_s."
        what = f"model: no answer within {timeout_s:g} s (service.timeout_s). {fix}"
        return RefusalError(504, "deadline", what)
    if isinstance(error, BackendError):
        return _of_backend(error, retry_after_s=retry_after_s)
    if isinstance(error, UserError):  # the extractor refuses this text, in words meant for the user
        return RefusalError(422, "extractor", str(error))
    assert isinstance(error, jobs.ExtractionError), error
    fix = "The server's log has the stack; please report it."
    return RefusalError(500, "extractor_failed", f"model: the extraction failed. {fix}")


def _of_backend(error: BackendError, *, retry_after_s: int) -> RefusalError:
    """Say what became of a text on the server behind; its address is for the log, not for a client."""
    logger.warning("%s", error)
    assert error.status is not None, error
    if error.status == 503:
        wait_s = max(error.retry_after_s, retry_after_s, 1)
        what = f"model: its server can't take the text now. Try again in {wait_s} s."
        return RefusalError(503, "backend_unavailable", what, {"Retry-After": str(wait_s)})
    if error.status == 504:
        what = "model: its server gave no answer in time (openai.timeout_s). Send a shorter text, or raise it."
        return RefusalError(504, "backend_timeout", what)
    return RefusalError(502, "backend_failed", "model: its server failed. This service's log says how.")


def _overloaded(error: jobs.QueueFullError, timeout_s: float) -> RefusalError:
    what = {
        "texts": f"queue: {error.num_waiting} texts wait already (service.max_queued).",
        "tokens": "queue: the texts that wait already are too long together (service.max_queued_tokens).",
        "deadline": f"queue: no answer is to be expected within {timeout_s:g} s (service.timeout_s).",
    }[error.reason]
    headers = {"Retry-After": str(error.retry_after_s)}
    return RefusalError(503, f"queue_{error.reason}", f"{what} Try again in {error.retry_after_s} s.", headers)


def unreadable(extraction: Extraction) -> RefusalError:
    """Say that the model's answer is no graph."""
    reason = extraction.reason or "unknown"
    if extraction.finish_reason == "length":
        fix = "It was cut at the token limit: send a shorter text, or raise decoding.max_new_tokens."
    else:
        fix = "Send the text in smaller parts; if it happens often, train on more data."
    message = f"model: its answer is no graph ({reason}). {fix}"
    # A 502 of a gateway may go away when tried again. This one will not: decoding is greedy.
    headers = {"X-Unreadable": reason} | ({"X-Truncated": "true"} if extraction.finish_reason == "length" else {})
    return RefusalError(502, "unreadable", message, headers)


def begun_anew() -> RefusalError:
    """Say that a streamed answer had to be begun again, and came out otherwise."""
    what = "model: the answer had to be begun anew after a part of it was sent, and is another one now."
    return RefusalError(
        503, "begun_anew", f"{what} Throw that part away and send the text again.", {"Retry-After": "1"}
    )


def client_gone() -> RefusalError:
    """Say, to the log, that nobody waits for this answer."""
    return RefusalError(CLIENT_GONE, "client_gone", "client: went away before its answer was there.")
