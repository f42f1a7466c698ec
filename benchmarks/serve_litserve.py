"""LitServe with dynamic batching, as its documentation shows it, on the model of serve_peers.

    python benchmarks/serve_litserve.py PORT MODEL_DIR

Its interpreter has litserve beside torch, transformers and peft.
"""

# No `from __future__ import annotations`: LitServe reads the type of a request as a type.
import sys
from typing import Any

import litserve
from serve_peers import Body, Model

BATCH_SIZE = 16  # the demo profile's decoding.batch_size


class Api(litserve.LitAPI):  # type: ignore[misc]
    """One worker process, batches of up to BATCH_SIZE."""

    def setup(self, device: str) -> None:
        self.model = Model(sys.argv[2])

    def decode_request(self, request: Body) -> str:
        return request.text

    def predict(self, texts: list[str]) -> list[Any]:
        return self.model.graphs(texts)

    def encode_response(self, output: Any) -> Any:
        return output


def main() -> int:
    api = Api(max_batch_size=BATCH_SIZE, batch_timeout=0.02, api_path="/api/kg-extract")
    server = litserve.LitServer(api, accelerator="cpu", timeout=120, workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning", num_api_servers=1
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
