"""Where a base model comes from: a local folder, Hugging Face, ModelScope, or a mirror of one of them.

Knows folders and hub clients; knows nothing about how a model is loaded. Pickled weights are refused, and no code
that comes with a model is run.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kgtune.errors import ModelError

log = logging.getLogger(__name__)

# Where a model that was brought here by hand is looked for under its own name.
BROUGHT = Path("models")
ENDPOINTS = {"huggingface": "HF_ENDPOINT", "modelscope": "MODELSCOPE_DOMAIN"}
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
_ADAPTER = "adapter_model"
_WEIGHTS = ("pytorch_model", _ADAPTER, "model", "consolidated")
_SMALL_FILES = ("*.json", "*.txt", "*.jinja", "*.model")


def resolve(model_id: str, hub: str = "auto", *, weights: bool = True) -> Path:
    """Return a local folder for a local path, a Hugging Face id or a ModelScope id, downloading if need be.

    `weights=False` fetches tokenizer and configuration only.

    Raises:
        ModelError: nobody has it, or it is not safe to load.
    """
    folder = local_folder(model_id) or _downloaded(model_id, hub, weights=weights)
    refuse_pickles(folder)
    refuse_remote_code(folder)
    if weights and not list(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder}: holds no weights (*.safetensors). Bring them there: {_by_hand(model_id, folder)}, or choose "
            "another model.model_id."
        )
    return folder


def local_folder(model_id: str) -> Path | None:
    """Find a model on this machine: the folder that was named, or the one of that name under models/."""
    if (named := Path(model_id).expanduser()).is_dir():
        return named
    if not _is_hub_id(model_id):
        raise ModelError(f"model.model_id={model_id}: no such folder, and no hub id of the form owner/name.")
    brought = BROUGHT / named.name
    if brought.is_dir():
        log.info("model.model_id=%s is read from %s", model_id, brought)
        return brought
    return None


def refuse_pickles(folder: Path) -> None:
    """Refuse a folder whose only weights of a kind, base or adapter, are pickled: reading them can run anything."""
    pickled = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    safe = {path.name.startswith(_ADAPTER) for path in folder.glob("*.safetensors")}
    weights = [name for name in pickled if name.startswith(_WEIGHTS) and name.startswith(_ADAPTER) not in safe]
    if weights:
        raise ModelError(
            f"{folder}: {', '.join(weights)} are pickled weights, which can run code when they are read. "
            "Convert them to safetensors, or use a folder that has them."
        )


def refuse_remote_code(folder: Path) -> None:
    """Refuse a model whose classes come with it as code; what transformers knows itself needs none."""
    for name in ("config.json", "tokenizer_config.json"):
        config = _json_object(folder / name)
        if "auto_map" in config:
            raise ModelError(
                f"{folder / name}: auto_map asks for code that comes with the model ({_listed(config['auto_map'])}), "
                "and such code is never run (trust_remote_code=False). Use a model that transformers knows, such as "
                "Qwen2.5-7B-Instruct."
            )


def _downloaded(model_id: str, hub: str, *, weights: bool) -> Path:
    patterns = [*_SMALL_FILES, *(["*.safetensors"] if weights else [])]
    failures: list[str] = []
    for name in ("huggingface", "modelscope") if hub == "auto" else (hub,):
        try:
            return Path(_DOWNLOADS[name](model_id, patterns))
        except ImportError:
            failures.append(f"{name}: its client isn't installed (pip install {name})")
        except Exception as error:  # hub clients raise what their HTTP libraries raise: a process boundary
            log.debug("download from %s failed", name, exc_info=True)
            said = str(error).splitlines()[0] if str(error) else ""
            failures.append(f"{name}{_mirror(name)}: {type(error).__name__}: {said}")
    target = BROUGHT / Path(model_id).name
    raise ModelError(
        f"model.model_id={model_id}: no hub gave it ({'; '.join(failures)}). On a machine with network, run "
        f"`{_by_hand(model_id, target)}`, and copy that folder to {target} here: it is found there by its name. Where "
        f"a mirror can be reached, set {ENDPOINTS['huggingface']}=https://... or {ENDPOINTS['modelscope']}=... to it."
    )


def _mirror(name: str) -> str:
    """Name the mirror that was asked in a hub's place, since it may be what failed."""
    endpoint = os.environ.get(ENDPOINTS[name], "")
    return f" at {endpoint}" if endpoint else ""


def _by_hand(model_id: str, target: Path) -> str:
    return f"hf download {hugging_face_id(model_id)} --local-dir {target}"


def hugging_face_id(model_id: str) -> str:
    """`qwen/...` is ModelScope's old spelling; Hugging Face knows `Qwen/...`, and caches go by the letter."""
    return "Qwen/" + model_id.removeprefix("qwen/") if model_id.startswith("qwen/") else model_id


def _from_hugging_face(model_id: str, patterns: Sequence[str]) -> str:
    from huggingface_hub import snapshot_download

    wanted = hugging_face_id(model_id)
    if wanted != model_id:
        log.info("model.model_id=%s is read as %s on Hugging Face", model_id, wanted)
    return str(snapshot_download(wanted, allow_patterns=list(patterns)))


def _from_modelscope(model_id: str, patterns: Sequence[str]) -> str:
    from modelscope import snapshot_download

    return str(snapshot_download(model_id, allow_patterns=list(patterns)))


_DOWNLOADS: dict[str, Callable[[str, Sequence[str]], str]] = {
    "huggingface": _from_hugging_face,
    "modelscope": _from_modelscope,
}


def _is_hub_id(model_id: str) -> bool:
    return not model_id.startswith((".", "/", "~")) and model_id.count("/") == 1


def _json_object(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: can't be read ({error}). Check that the download is complete.") from error
    return found if isinstance(found, dict) else {}


def _listed(auto_map: object) -> str:
    return ", ".join(auto_map) if isinstance(auto_map, dict) else str(auto_map)
