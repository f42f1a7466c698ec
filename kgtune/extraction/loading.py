"""A model folder as the extractor that inference.py and serve.py ask: texts of any length, confidence that counts.

Knows nothing about files of texts, command lines or HTTP.
"""

from __future__ import annotations

import logging
from pathlib import Path

from kgtune import model as models
from kgtune.extraction import calibration
from kgtune.extraction.generation import TransformersExtractor
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


def load(folder: Path, cfg: Config) -> LongTextExtractor:
    """Load a folder that fine_tune.py wrote."""
    tables = aliases.load(cfg.output.aliases)  # what can't be read is said before weights are loaded
    extractor = models.load_extractor(folder, cfg)
    assert isinstance(extractor, TransformersExtractor), extractor
    extractor.calibration = calibration.read(folder)
    if extractor.confidence == "probability" and extractor.calibration is None:
        log.warning("%s: has no calibration, so that confidence is the bare probability of what was chosen", folder)
    contract = models.read_contract(folder)
    whole, window = text_limits(contract, cfg)
    return LongTextExtractor(
        extractor,
        extractor.num_text_tokens,
        window_tokens=window,
        whole_tokens=whole,
        overlap_tokens=min(cfg.decoding.overlap_tokens, window // _SHARE_OF_WINDOW),
        aliases=tables,
        ontology=models.read_ontology(folder, contract),
        progress=_tell,
        windows_at_once=_BATCHES_AT_ONCE * cfg.decoding.batch_size,
    )


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


def _tell(done: int, total: int, left: str) -> None:
    log.info("windows: %d/%d%s", done, total, left and f", {left}")
