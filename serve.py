"""Serve the extractor: inference.py's model behind a small HTTP API.

    python serve.py
    python serve.py --scripted --port 8000      no weights, canned answers: for work on clients

Inputs: a model folder that fine_tune.py wrote (default: <output.dir>/final_model), config.yaml. The port
opens first and /api/health answers 503 until the model is loaded. Routes: a page for people at /, POST
/api/kg-extract and below it /stream and /batch, GET /api/health, /api/ready, /metrics, /docs, and for OpenAI
clients GET /v1/models and POST /v1/chat/completions. SIGTERM finishes what is under way, for service.drain_s at
most, and exits with 0; a model that is lost exits with 1. Logs go to stderr and never hold a text.

Keys: KGTUNE_API_KEYS="key,another key" or service.api_keys_file; without any, everybody may ask.

    curl -s http://127.0.0.1:8000/api/kg-extract -H 'Content-Type: application/json' -d '{"text": "..."}'
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kgtune import config, config_summary, errors, options
from kgtune.extraction import backends
from kgtune.service import keys, logs

if TYPE_CHECKING:
    from kgtune.extraction.extractor import Extractor
    from kgtune.service.engine import Engine

# What would be ignored is refused: the first takes none of the others.
APART = {"--scripted": ("--model", "--backend", "--base-url")}


def main() -> int:
    """Run the command line; see the module's docstring."""
    overrides, rest = config.split_overrides(sys.argv[1:])
    args = arguments(rest)
    overrides += [f"service.{key}={value}" for key in ("host", "port") if (value := getattr(args, key)) is not None]
    overrides += backends.overrides(args)
    resolved = config.load(args.config, args.profile, overrides)
    if args.show_config:
        print(config_summary.whole(resolved))
        return 0
    settings = resolved.config.service
    load = scripted if args.scripted else guarded(args.model, resolved)
    known = keys.load(os.environ, settings.api_keys_file)

    from kgtune.service import server, service  # fastapi: after whatever can be refused without it

    logs.configure(settings.log_format)
    listener = server.listen(settings.host, settings.port)
    print(config_summary.short(resolved), file=sys.stderr)
    address = server.address(listener)
    what = "canned answers" if args.scripted else f"model {backends.folder_of(args.model, resolved)}"
    print(f"serving on {address}\nloading {what} ...", file=sys.stderr, flush=True)
    if server.is_open(listener) and not known:
        fix = "Set KGTUNE_API_KEYS, or put a gateway before it."
        print(f"warning: other machines can reach this address, and no key is asked for. {fix}", file=sys.stderr)
    app = service.create_app(load, resolved.config, known, address=address)
    worker = app.state.engine
    server.run(app, listener, worker, drain_s=settings.drain_s, max_header_bytes=settings.max_header_bytes)
    return leave(worker)


def leave(worker: Engine) -> int:
    """End the process: 0 after a signal, otherwise what a supervisor takes for a failure."""
    if worker.is_alive:
        # It loads or hangs, which can't be interrupted, and torch may abort when Python ends beneath it.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(0 if worker.failure is None else 1)
    if isinstance(worker.failure, Exception):
        raise worker.failure
    return 0 if worker.failure is None else 1  # an extractor that calls sys.exit(0) is no success either


def guarded(model: str | None, resolved: config.Resolved) -> Callable[[], Extractor]:
    """Return the function that loads inference.py's extractor, with its device's faults in the engine's words."""
    load = backends.loader(model, resolved)
    if resolved.config.backend == "openai":
        return load  # no device here
    folder = Path(model or Path(resolved.config.output.dir) / "final_model")

    def load_guarded() -> Extractor:
        from kgtune.extraction import device  # torch: seconds

        return device.guarded(load, folder)

    return load_guarded


def scripted() -> Extractor:
    """Load the extractor that needs no weights."""
    from kgtune.extraction import extractor

    return extractor.scripted()


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse what is left of the command line without its key=value overrides."""
    description, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", metavar="DIR", help="default: <output.dir>/final_model")
    parser.add_argument("--host", metavar="H", help="the same as service.host=H")
    parser.add_argument("--port", metavar="P", help="the same as service.port=P; 0: any free one")
    backends.add_arguments(parser)
    parser.add_argument("--scripted", action="store_true", help="canned answers without weights")
    config.add_arguments(parser)
    args = parser.parse_args(argv)
    options.check(parser, args, apart=APART)
    return args


if __name__ == "__main__":
    sys.exit(errors.run_script(main))
