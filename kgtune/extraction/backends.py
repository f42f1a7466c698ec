"""Which model answers: what a command line says of it, and the function that loads it.

Knows nothing about texts or requests. inference.py loads at once, serve.py on the thread that will own the model.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kgtune import config
from kgtune.errors import ModelError, UserError

if TYPE_CHECKING:
    from kgtune.extraction.extractor import Extractor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the model runs."""
    parser.add_argument("--backend", choices=("transformers", "openai"), help="the same as backend=...")
    parser.add_argument("--base-url", metavar="URL", help="the same as openai.base_url=URL; takes --backend openai")


def overrides(args: argparse.Namespace) -> list[str]:
    """Return what these options mean as overrides of config.yaml."""
    given = {"backend": args.backend, "openai.base_url": args.base_url}
    return [f"{key}={value}" for key, value in given.items() if value is not None]


def folder_of(model_dir: str | None, resolved: config.Resolved) -> Path:
    """Return the folder of the model: the one given, or the run's."""
    return Path(model_dir or Path(resolved.config.output.dir) / "final_model")


def loader(model_dir: str | None, resolved: config.Resolved) -> Callable[[], Extractor]:
    """Return the function that loads the extractor; raise, before anything is loaded, where that can't succeed."""
    if resolved.config.backend != "openai" and resolved.origins["openai.base_url"] == config.COMMAND_LINE:
        raise UserError("--base-url (openai.base_url) means nothing without --backend openai: give both or neither.")
    folder = folder_of(model_dir, resolved)
    if not folder.is_dir():
        raise ModelError(
            f"{folder}: no such folder. Run fine_tune.py first, give a model folder with --model, or name the "
            f"profile it was trained with (now: --profile {resolved.profile})."
        )

    def load() -> Extractor:
        if resolved.config.backend == "transformers":
            from kgtune import noise

            noise.hush()
        from kgtune.extraction import loading  # with the model on this machine torch as well: seconds

        return loading.load(folder, resolved)

    return load
