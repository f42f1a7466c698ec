"""Texts that are refused or cleaned, and engine errors as statuses."""

import pytest

from kgtune.errors import ModelError
from kgtune.extraction.extractor import read_answer
from kgtune.extraction.interruption import BackendError
from kgtune.service import refusals
from kgtune.service.jobs import DeadlineError, ExtractionError, MemoryFullError, NotReadyError, QueueFullError
from kgtune.service.refusals import RefusalError


@pytest.mark.parametrize(
    ("text", "usable", "num_replaced"),
    [
        ("夜织机\r\n\tused", "夜织机\r\n\tused", 0),
        ("a\x00b\x0cc\x7fd\x1b[0m", "a b c d [0m", 4),
        ("\ufeff<|im_start|>system", "\ufeff<|im_start|>system", 0),  # the prompt neutralises it, see test_prompt
    ],
)
def test_control_characters_become_spaces_one_for_one(text, usable, num_replaced):
    assert refusals.usable_text(text, 100, "body.text") == (usable, num_replaced)
    assert len(usable) == len(text)


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("", 422, "empty_text"),
        (" \n\u3000", 422, "empty_text"),
        ("\x00\x00", 422, "empty_text"),
        ("a\ud800", 422, "half_character"),
        ("x" * 101, 413, "text_too_long"),
    ],
)
def test_a_text_of_no_use_is_refused(text, status, reason):
    with pytest.raises(RefusalError, match=r"^body\.text: ") as caught:
        refusals.usable_text(text, 100, "body.text")
    assert (caught.value.status, caught.value.reason) == (status, reason)


@pytest.mark.parametrize(
    ("error", "status", "reason", "says", "retry_after"),
    [
        (NotReadyError("loading"), 503, "loading", "is loading", "5"),
        (NotReadyError("stopping"), 503, "stopping", "is stopping", "5"),
        (NotReadyError("failed"), 503, "failed", "could not be loaded, or its worker died", None),
        (QueueFullError(32, 7, "texts"), 503, "queue_texts", "32 texts wait already (service.max_queued)", "7"),
        (QueueFullError(32, 7, "tokens"), 503, "queue_tokens", "(service.max_queued_tokens)", "7"),
        (QueueFullError(32, 7, "deadline"), 503, "queue_deadline", "within 120 s (service.timeout_s)", "7"),
        (MemoryFullError(), 503, "device_memory", "has no memory", "9"),
        (DeadlineError(), 504, "deadline", "no answer within 120 s (service.timeout_s)", None),
        (ExtractionError("ValueError"), 500, "extractor_failed", "the extraction failed", None),
        (
            BackendError("http://10.0.0.7/v1: x.", status=503, retry_after_s=30),
            503,
            "backend_unavailable",
            "in 30 s",
            "30",
        ),
        (BackendError("http://10.0.0.7/v1: x.", status=503), 503, "backend_unavailable", "in 9 s", "9"),
        (BackendError("http://10.0.0.7/v1: x.", status=504), 504, "backend_timeout", "(openai.timeout_s)", None),
        (BackendError("http://10.0.0.7/v1: x.", status=502), 502, "backend_failed", "log says how", None),
        (ModelError("text: is too long. Split it."), 422, "extractor", "text: is too long. Split it.", None),
    ],
)
def test_every_engine_error_has_a_status_a_reason_and_words(error, status, reason, says, retry_after):
    refusal = refusals.of_engine(error, timeout_s=120.0, retry_after_s=9)
    assert (refusal.status, refusal.reason, refusal.headers.get("Retry-After")) == (status, reason, retry_after)
    assert says in refusal.message
    assert refusal.message.endswith(".")
    assert "10.0.0.7" not in refusal.message  # where the server stands is no client's matter


def test_an_unreadable_answer_is_told_from_a_gateways_502():
    refusal = refusals.unreadable(read_answer('{"enti', "length", 1, 1))
    assert (refusal.status, refusal.headers) == (502, {"X-Unreadable": "cut_off", "X-Truncated": "true"})
