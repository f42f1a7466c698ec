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

# Where a model does not say how long its texts were: an answer takes about 1.75 times the tokens of its text, so that
# both and the prompt's frame fit into the length of a row.
_SHARE_OF_ROW = 3
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
    limit = window_tokens(contract, cfg)
    overlap = min(cfg.decoding.overlap_tokens, limit // 2)
    ontology = models.read_ontology(folder, contract)
    at_once = _BATCHES_AT_ONCE * cfg.decoding.batch_size
    return LongTextExtractor(extractor, extractor.num_text_tokens, limit, overlap, tables, ontology, _tell, at_once)


def window_tokens(contract: Contract, cfg: Config) -> int:
    """Tokens of text that are answered at once: as configured, else as long as the texts that were trained on."""
    if cfg.decoding.window_tokens != "auto":
        return int(cfg.decoding.window_tokens)
    if contract.max_text_tokens is not None:
        return contract.max_text_tokens
    return cfg.model.max_seq_length // _SHARE_OF_ROW


def _tell(done: int, total: int) -> None:
    log.info("windows: %d/%d", done, total)
