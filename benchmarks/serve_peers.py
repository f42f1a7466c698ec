"""The services that serve.py is compared with, each a process of its own: an echo, and the tutorial's shape.

    python benchmarks/serve_peers.py echo PORT
    python benchmarks/serve_peers.py naive PORT MODEL_DIR

LitServe stands in serve_litserve.py.

All load the same model, its adapter folded in as serve.py does, render the same prompt, decode greedily with the same
cap, and answer the parsed graph. They differ in what lies between the socket and the model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


class Body(BaseModel):
    """The request that all of them take."""

    text: str


def echo(port: int) -> None:
    """Answer what was sent: FastAPI and uvicorn with nothing behind them, on the HTTP parser that serve.py uses."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/api/kg-extract")
    async def answer(body: Body) -> dict[str, str]:
        return {"text": body.text}

    uvicorn.run(app, port=port, http="h11", log_level="warning", access_log=False)


class Model:
    """The model and how the tutorials ask it: one prompt, `generate`, decode, json.loads."""

    def __init__(self, folder: str) -> None:
        import torch

        from kgtune import config, model
        from kgtune.extraction import rules

        cfg = config.load(None, "demo", ["decoding.constraint=none"]).config
        self._torch = torch
        self._tuned = model.load_tuned(Path(folder), cfg)
        # Folded in, as serve.py has it: an adapter beside every product would slow the peers alone.
        is_adapter = hasattr(self._tuned.model, "merge_and_unload")
        self._model: Any = self._tuned.model.merge_and_unload() if is_adapter else self._tuned.model
        self._cap = rules.answer_cap(cfg.decoding, self._tuned.contract.max_answer_tokens)

    def graphs(self, texts: list[str]) -> list[Any]:
        from kgtune import prompt

        tokenizer: Any = self._tuned.tokenizer
        prompts = [prompt.render(tokenizer, self._tuned.contract.system, text) for text in texts]
        inputs = tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt")
        with self._torch.inference_mode():
            output = self._model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=self._cap,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        answers = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [_loads(answer) for answer in answers]


def _loads(answer: str) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return {"entities": [], "relationships": []}  # a peer is not failed for what the model writes


def naive(port: int, folder: str) -> None:
    """The usual tutorial: load at start, a plain `def` endpoint, one `generate` a request."""
    import uvicorn
    from fastapi import FastAPI

    model = Model(folder)
    app = FastAPI()

    @app.post("/api/kg-extract")
    def answer(body: Body) -> Any:
        return model.graphs([body.text])[0]

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def main() -> int:
    kind, port, *rest = sys.argv[1:]
    {"echo": echo, "naive": naive}[kind](int(port), *rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
