"""What libraries say about things to come is kept out, and what changes a result is not."""

from __future__ import annotations

import logging
import warnings

import pytest

pytestmark = pytest.mark.tiny


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    monkeypatch.setattr(transformers_logging, "disable_progress_bar", lambda: None)
    level = logging.getLogger("bitsandbytes").level
    with warnings.catch_warnings():
        yield
    transformers_logging.set_verbosity(verbosity)
    logging.getLogger("bitsandbytes").setLevel(level)


def warned(category, module):
    """Say whether a warning of a module comes through, as an error here."""
    try:
        warnings.warn_explicit("soon", category, "file.py", 1, module=module)
    except category:
        return True
    return False


def test_notices_of_things_to_come_are_kept_out_for_libraries_alone():
    from kgtune import noise

    assert warned(FutureWarning, "transformers.modeling_utils")
    noise.hush()
    assert not warned(FutureWarning, "transformers.modeling_utils")
    assert not warned(DeprecationWarning, "peft")
    assert warned(FutureWarning, "kgtune.model")
    assert warned(FutureWarning, "transformers_of_mine")
    assert warned(UserWarning, "transformers.modeling_utils")


def test_errors_of_libraries_are_still_told():
    from kgtune import noise

    noise.hush()
    for name in ("bitsandbytes", "transformers"):
        assert not logging.getLogger(name).isEnabledFor(logging.WARNING)
        assert logging.getLogger(name).isEnabledFor(logging.ERROR)
