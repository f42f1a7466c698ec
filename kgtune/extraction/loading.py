"""A model folder as the extractor that inference.py and serve.py ask: texts of any length, confidence that counts.

Knows nothing about files of texts, command lines or HTTP.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kgtune import model_folder
from kgtune.config import Resolved
from kgtune.extraction import calibration
from kgtune.extraction.extractor import Extractor
from kgtune.extraction.long_texts import LongTextExtractor
from kgtune.ontology import aliases
from kgtune.prompt import Contract
from kgtune.settings import Config

log = logging.getLogger(__name__)

# Where a model does not say how long its texts were. Too long a window costs more than too short a one: of a model
# trained on texts of 48 tokens, entity F1 over joined documents was 0.86 with windows of 50, 0.33 with 291.
_SHARE_OF_ROW = 8
# Windows that share more say more and are less precise: of a half, a third and nothing, relationship F1 was 0.47, 0.52
# and 0.52, and its recall best with a third.
_SHARE_OF_WINDOW = 3
# Windows that are sorted by length together; after each such call it is told how far a text has come.
_BATCHES_AT_ONCE = 2
_SECONDS_BETWEEN = 1.0


def load(folder: Path, resolved: Resolved) -> LongTextExtractor:
    """Load a folder that fine_tune.py wrote; with `backend: openai` the weights are elsewhere."""
    cfg = resolved.config
    tables = aliases.load(cfg.output.aliases)  # what can't be read is said before weights are loaded
    contract = model_folder.read_contract(folder)
    inner, measure = _remote(folder, cfg) if cfg.backend == "openai" else _own(folder, resolved)
    whole, window = text_limits(contract, cfg)
    return LongTextExtractor(
        inner,
        measure,
        window_tokens=window,
        whole_tokens=whole,
        overlap_tokens=min(cfg.decoding.overlap_tokens, window // _SHARE_OF_WINDOW),
        aliases=tables,
        ontology=model_folder.read_ontology(folder, contract),
        progress=WindowLog(),
        windows_at_once=_BATCHES_AT_ONCE * cfg.decoding.batch_size,
    )


def _own(folder: Path, resolved: Resolved) -> tuple[Extractor, Callable[[str], int]]:
    """Load the weights; texts are measured by the model's tokenizer."""
    from kgtune import model as models  # torch: seconds, and not installed where the model is elsewhere
    from kgtune.extraction.generation import TransformersExtractor

    extractor = models.load_extractor(folder, models.settings_here(resolved, folder))
    assert isinstance(extractor, TransformersExtractor), extractor
    extractor.calibration = calibration.read(folder)
    if extractor.confidence == "probability" and extractor.calibration is None:
        log.warning("%s: has no calibration, so that confidence is the bare probability of what was chosen", folder)
    return extractor, extractor.num_text_tokens


def _remote(folder: Path, cfg: Config) -> tuple[Extractor, Callable[[str], int]]:
    """Probe the server that has the weights; the tokenizer is there too, so texts are measured by an upper estimate."""
    from kgtune.conversion import lengths
    from kgtune.extraction import remote

    return remote.load(folder, cfg), lengths.estimate


def text_limits(contract: Contract, cfg: Config) -> tuple[int, int]:
    """Tokens of a text that is answered as it is, and of the windows of a longer one.

    As configured; else a text is whole that is no longer than nine in ten that were trained on, and windows are as
    long as the half of those.
    """
    if cfg.decoding.window_tokens != "auto":
        return cfg.decoding.window_tokens, cfg.decoding.window_tokens
    if contract.usual_text_tokens is None or contract.long_text_tokens is None:
        limit = cfg.model.max_seq_length // _SHARE_OF_ROW
        log.warning("the model does not say how long its texts were: windows have %d tokens of text. Set "
                    "decoding.window_tokens to the usual length of what it was trained on.", limit)  # fmt: skip
        return limit, limit
    return contract.long_text_tokens, max(contract.usual_text_tokens, 1)


@dataclass
class WindowLog:
    """Logs how far the windows of long texts have come; of what comes within a second of the last line, nothing."""

    clock: Callable[[], float] = time.monotonic
    _last_s: float = field(init=False, default=-math.inf)

    def __call__(self, done: int, total: int, left: str) -> None:
        now_s = self.clock()
        if now_s - self._last_s >= _SECONDS_BETWEEN:
            self._last_s = now_s
            log.info("windows: %d/%d%s", done, total, left and f", {left}")
