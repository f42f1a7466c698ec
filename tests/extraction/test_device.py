"""What torch raises, in the engine's words; and that a failed batch leaves nothing behind."""

import weakref

import pytest

from kgtune import ontology as ontologies
from kgtune.errors import ModelError
from kgtune.extraction.extractor import ScriptedExtractor
from kgtune.extraction.interruption import DeviceLostError, DeviceMemoryError
from tests.fakes import CallingExtractor

torch = pytest.importorskip("torch")

from kgtune.extraction import device  # noqa: E402 - needs torch

pytestmark = pytest.mark.tiny


def raising(error: Exception):
    def answer(texts):
        raise error

    return device.GuardedExtractor(CallingExtractor(answer), None, "guarded")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), DeviceMemoryError),
        (RuntimeError("CUDA error: out of memory"), DeviceMemoryError),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), DeviceMemoryError),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
            DeviceMemoryError,
        ),
        (torch.AcceleratorError("CUDA error: out of memory"), DeviceMemoryError),
        (torch.AcceleratorError("CUDA error: unknown error"), DeviceLostError),
        (RuntimeError("CUDA error: device-side assert triggered"), DeviceLostError),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLostError),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), RuntimeError),
        (ValueError("out of memory"), ValueError),
        (ModelError("text: is too long."), ModelError),
    ],
)
def test_an_error_is_told_by_what_can_be_done_about_it(error, expected):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - its type is what is tested
        raising(error).extract(["a"])
    assert type(caught.value) is expected


def test_real_memory_that_lacks_is_told_so():
    def answer(texts):
        return torch.empty(2**50)

    with pytest.raises(DeviceMemoryError):
        device.GuardedExtractor(CallingExtractor(answer), None, "guarded").extract(["a"])


def test_a_failed_batch_leaves_no_tensor_behind(monkeypatch):
    """What a frame holds can't be freed while an error refers to the frame."""
    kept, alive_at_release = [], []

    def answer(texts):
        tensor = torch.zeros(10)
        kept.append(weakref.ref(tensor))
        raise torch.OutOfMemoryError("CUDA out of memory")

    release = device.release_memory
    monkeypatch.setattr(device, "release_memory", lambda: (release(), alive_at_release.append(kept[0]() is not None)))
    with pytest.raises(DeviceMemoryError):
        device.GuardedExtractor(CallingExtractor(answer), None, "guarded").extract(["a"])
    assert alive_at_release == [False]


def test_a_model_is_loaded_with_the_ontology_that_stands_beside_it(tmp_path):
    ontology = ontologies.load("threat_event")
    (tmp_path / "ontology.yaml").write_text(ontologies.dump(ontology), encoding="utf-8")
    loaded = device.guarded(ScriptedExtractor, tmp_path)
    assert (loaded.name, loaded.ontology.hash) == ("scripted", ontology.hash)
    assert loaded.extract(["a"])[0].finish_reason == "stop"


def test_weights_that_do_not_fit_are_a_user_error_that_says_what_to_do(tmp_path):
    def load():
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError, match=r"model\.load_in_4bit=true"):
        device.guarded(load, tmp_path)
