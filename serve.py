"""Serve the extractor: inference.py's model behind a small HTTP API.

    python serve.py
    python serve.py --scripted --port 8000      no weights, canned answers: for work on clients

Inputs: a model folder that fine_tune.py wrote (default: <output.dir>/final_model), config.yaml. The port
opens first and /api/health answers 503 until the model is loaded. Routes: POST /api/kg-extract,
GET /api/health, GET /v1/models, POST /v1/chat/completions, GET /docs. SIGTERM finishes what is under way
and exits with 0. Logs go to stderr and never hold a text.

    curl -s http://127.0.0.1:8000/api/kg-extract -H 'Content-Type: application/json' -d '{"text": "..."}'
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import TYPE_CHECKING

import inference
from kgtune import config, errors

if TYPE_CHECKING:
    from kgtune.extractor import Extractor


def main() -> int:
    """Run the command line; see the module's docstring."""
    overrides, rest = config.split_overrides(sys.argv[1:])
    args = arguments(rest)
    overrides += [f"service.{key}={value}" for key in ("host", "port") if (value := getattr(args, key)) is not None]
    resolved = config.load(args.config, args.profile, overrides)

    load = scripted if args.scripted else inference.loader(args.model, resolved)

    from kgtune import server, service  # fastapi: after whatever can be refused without it

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = resolved.config.service
    listener = server.listen(settings.host, settings.port)
    print(config.explain(resolved), file=sys.stderr)
    print(f"serving on {server.address(listener)}", file=sys.stderr, flush=True)
    if server.is_open(listener):
        print("warning: other machines can reach this address, and no key is asked for", file=sys.stderr)
    app = service.create_app(load, resolved.config)
    worker = app.state.engine
    server.run(app, listener, timeout_s=settings.timeout_s, is_failed=lambda: worker.state == "failed")
    if worker.failure is not None:
        raise worker.failure
    if worker.is_alive:
        # It is still loading, which can't be interrupted, and torch may abort when Python ends beneath it.
        os._exit(0)
    return 0


def scripted() -> Extractor:
    """Load the extractor that needs no weights."""
    from kgtune import extractor

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
    parser.add_argument("--scripted", action="store_true", help="canned answers without weights")
    config.add_arguments(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(errors.run_script(main))
