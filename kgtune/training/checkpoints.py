"""Checkpoints on disk: written whole, sealed, found again, and the torn ones told apart.

Knows nothing about what is in them.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from kgtune import runs
from kgtune.errors import UserError

log = logging.getLogger(__name__)

SEAL = "sealed.json"
STAGING = ".saving"
CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def whole(output_dir: Path) -> list[Path]:
    """Checkpoints that are as they were written, the oldest first; others are named in the log."""
    sound = []
    for path in any_in(output_dir):
        fault = fault_of(path)
        if fault is None:
            sound.append(path)
        else:
            log.warning("%s is not used: %s", path, fault)
    return sound


def any_in(output_dir: Path) -> list[Path]:
    """All checkpoints by name, whole or not, the oldest first."""
    found = {path: CHECKPOINT.fullmatch(path.name) for path in output_dir.glob("checkpoint-*")}
    return [path for _, path in sorted((int(match.group(1)), path) for path, match in found.items() if match)]


def fault_of(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, if anything."""
    try:
        sealed = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{SEAL} can't be read ({error}), so it was never finished"
    for name, (size, sha256) in sealed.items():
        file = checkpoint / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != size:
            return f"{name} has {file.stat().st_size} bytes, {size} were written"
        if runs.file_hash(file) != sha256:
            return f"{name} has changed since it was written"
    return None


def seal(checkpoint: Path) -> None:
    """Note size and hash of every file, once all of them are on the disk."""
    files = sorted(path for path in checkpoint.iterdir() if path.is_file())
    for file in files:
        _flush(file)
    written = {file.name: [file.stat().st_size, runs.file_hash(file)] for file in files}
    runs.write_json_atomic(checkpoint / SEAL, written)
    _flush(checkpoint / SEAL)


@contextmanager
def written_whole(output_dir: Path, name: str, processes: Any) -> Iterator[Path]:
    """Hand out a folder in which all processes write the folder `name`; then seal it and put it in place.

    Raises:
        UserError: it could not be written, as on a full disk. Earlier checkpoints stay as they are.
    """
    staging = output_dir / STAGING
    if processes.is_main_process:
        shutil.rmtree(staging, ignore_errors=True)
    processes.wait_for_everyone()
    try:
        (staging / name).mkdir(parents=True, exist_ok=True)
        yield staging
        processes.wait_for_everyone()
        if processes.is_main_process:
            seal(staging / name)
            put_in_place(staging / name, output_dir / name)
    except (OSError, RuntimeError, SafetensorError, UserError) as error:  # torch reports a full disk as RuntimeError
        shutil.rmtree(staging, ignore_errors=True)
        earlier = [path.name for path in any_in(output_dir)]
        raise UserError(
            f"C18-NOT-SAVED: {output_dir / name}: can't be written: {error}. "
            f"{_free_gib(output_dir):.1f} GiB are free there. Make room and go on with --resume "
            f"(from {earlier[-1] if earlier else 'the beginning: there is no earlier checkpoint'})."
        ) from error
    processes.wait_for_everyone()
    if processes.is_main_process:
        shutil.rmtree(staging, ignore_errors=True)


def put_in_place(written: Path, target: Path) -> None:
    """Rename a finished folder to its name; one that stood there goes only after that."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    written.rename(target)
    _flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def keep_last(output_dir: Path, number: int, newest: str, spared: str | None = None) -> None:
    """Delete all but the last `number` checkpoints up to `newest`, and `spared`; later ones are torn."""
    found = any_in(output_dir)
    for path in found[: found.index(output_dir / newest) + 1][:-number]:
        if path.name != spared:
            shutil.rmtree(path)


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk and not only on its way there."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _free_gib(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 2**30
