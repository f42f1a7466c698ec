"""What a run leaves behind: files written whole or not at all, and where a result came from.

Knows nothing about what the results mean.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from kgtune.errors import UserError

# Libraries that can change a result; those that are not installed are left out.
LIBRARIES = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "bitsandbytes",
    "llguidance",
    "datasets",
    "sentencex",
    "numpy",
    "rapidfuzz",
    "json-repair",
    "pydantic",
)


@contextmanager
def atomic(path: Path | str) -> Iterator[IO[str]]:
    """Open a file for UTF-8 text with plain newlines: a reader sees the old file or all of the new one.

    Missing folders are made. The temporary file stands in the same folder, so that the last step is
    a rename on one disk; when the block raises, it goes and the old file stays.
    """
    target = Path(path)
    temporary = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield file
        Path(temporary).chmod(_mode(target))
        os.replace(temporary, target)
    except OSError as error:
        raise UserError(f"{target}: can't be written: {error.strerror or error}. Choose another place.") from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def write_text_atomic(path: Path | str, text: str) -> None:
    """Write UTF-8 text whole or not at all, see `atomic`."""
    with atomic(path) as file:
        file.write(text)


def write_bytes_atomic(path: Path | str, data: bytes) -> None:
    """Write bytes whole or not at all, see `atomic`."""
    with atomic(path) as file:
        assert isinstance(file, io.TextIOWrapper), file
        file.buffer.write(data)


def write_json_atomic(path: Path | str, value: object) -> None:
    """Write a value as indented JSON, keys in their order, Unicode kept, with a newline at the end."""
    write_text_atomic(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def text_hash(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def file_hash(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(device: str = "cpu", *, libraries: Iterable[str] = LIBRARIES) -> dict[str, Any]:
    """Return what made a result: git_sha (None outside a checkout), versions, device, date (UTC, ISO 8601)."""
    return {
        "git_sha": git_sha(),
        "versions": library_versions(libraries),
        "device": device,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def library_versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of those libraries that are installed."""
    versions = {"python": platform.python_version()}
    for name in libraries:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def git_sha(folder: Path | None = None) -> str | None:
    """Return the commit that this code stands at, with "-dirty" when files differ from it.

    None where there is no checkout, no git, or the checkout is not this code's own (a release that
    was unpacked inside somebody else's repository).
    """
    root = folder or Path(__file__).resolve().parent.parent
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root.resolve():
        return None
    sha = _git(root, "rev-parse", "HEAD")
    if sha is None:
        return None
    return f"{sha}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else sha


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603  the arguments are ours
            ["git", "-C", str(folder), *arguments],  # noqa: S607  the user's own git
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _mode(target: Path) -> int:
    """Keep a file's permissions; a new one gets what the user's umask gives."""
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
