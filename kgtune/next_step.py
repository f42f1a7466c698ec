"""The commands that come next, as they work where the user is: same interpreter, same folder of scripts.

Knows nothing about models but where they lie.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

# What a model is asked with; the other keys of a training run say nothing to who asks it.
_SECTIONS = ("model.", "decoding.", "output.id_style", "output.ungrounded", "output.aliases")


def to_ask(model: Path, overrides: Sequence[str], *, config: str | None, profile: str | None) -> str:
    """Name the commands that ask a model once and that serve it, under the configuration of this run."""
    python = "python" if shutil.which("python") == sys.executable else sys.executable
    given = ["--model", str(model)]
    given += ["--config", config] if config else []
    given += ["--profile", profile] if profile else []
    given += [override for override in overrides if override.startswith(_SECTIONS)]
    ask, serve = (
        shlex.join([python, str(Path(sys.argv[0]).with_name(script)), *given])
        for script in ("inference.py", "serve.py")
    )
    return f"Next: {ask} --text 'A report.'\n  or: {serve}"
