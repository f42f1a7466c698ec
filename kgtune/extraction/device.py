"""What a device says when it fails, in words that the engine knows: out of memory, or lost.

Knows nothing about prompts, graphs or HTTP. It wraps an extractor, so that no extractor has to know of it.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from kgtune import ontology as ontologies
from kgtune.errors import ModelError
from kgtune.extraction.extractor import Extraction, Extractor, Watch, extract_shown
from kgtune.extraction.interruption import DeviceLostError, DeviceMemoryError
from kgtune.model_folder import ONTOLOGY_FILE
from kgtune.ontology import Ontology

# An assertion in a kernel, an illegal access and their like leave the context unusable; CUDA says so in words.
LOST = (
    *("device-side assert", "illegal memory access", "illegal instruction", "unspecified launch failure"),
    *("misaligned address", "uncorrectable ECC", "Invalid address space", "GPU has fallen off the bus"),
)
# What is raised for want of memory beside torch's own class.
FULL = ("CUBLAS_STATUS_ALLOC_FAILED", "CUDA error: out of memory", "DefaultCPUAllocator: can't allocate memory")


@contextmanager
def device_errors() -> Iterator[None]:
    """Raise DeviceMemoryError or DeviceLostError for what torch raises; the rest passes as it is."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError and torch.AcceleratorError are such
        said = str(error)
        if isinstance(error, torch.OutOfMemoryError) or any(words in said for words in FULL):
            raise DeviceMemoryError(type(error).__name__) from None
        if isinstance(error, torch.AcceleratorError) or any(words in said for words in LOST):
            raise DeviceLostError(type(error).__name__) from error
        raise


def release_memory() -> None:
    """Give back what a failed batch left; the frames that held its tensors must be gone by now."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass
class GuardedExtractor:
    """An extractor whose device fails in the engine's words, with the ontology that it was trained on."""

    inner: Extractor
    ontology: Ontology
    name: str

    def extract(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> list[Extraction]:
        return self.extract_watched(texts, (), cancel=cancel)

    def extract_watched(
        self, texts: Sequence[str], watches: Sequence[Watch | None], *, cancel: threading.Event | None = None
    ) -> list[Extraction]:
        """Extract as `extract` does; an inner extractor that can't be watched shows nothing before its end."""
        try:
            with device_errors():
                return extract_shown(self.inner, texts, watches, cancel=cancel)
        except DeviceMemoryError:
            pass  # and no more: as long as it is handled, its frames hold the batch's tensors
        release_memory()
        raise DeviceMemoryError(f"{len(texts)} texts")


def guarded(load: Callable[[], Extractor], model_dir: Path) -> GuardedExtractor:
    """Load an extractor and guard it."""
    try:
        with device_errors():
            inner = load()
    except DeviceMemoryError:
        raise ModelError(
            f"{model_dir}: the device has no memory for the weights. Free it, set model.load_in_4bit=true, or take "
            "the profile of a smaller card."
        ) from None
    return GuardedExtractor(inner, ontologies.load(str(model_dir / ONTOLOGY_FILE)), inner.name)
