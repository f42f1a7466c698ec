"""The OpenAI chat-completions dialect: the document out of a chat, and a graph into a chat's answer.

Knows nothing about HTTP frameworks or models. Keys that only steer a chat (temperature, max_tokens, ...) are
accepted, have no effect and are named: decoding is greedy, and its cap is the model's. `n` above 1 is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kgtune import graph as graphs
from kgtune.extraction.extractor import Extraction
from kgtune.graph import Graph

# What a header can hold; every key of the OpenAI API is one.
_KEY = re.compile("[a-z_]{1,40}")
_MOST_KEYS = 30


class ChatPart(BaseModel):
    """A piece of a message; only texts can be read."""

    model_config = ConfigDict(extra="ignore", strict=True)

    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One message of a chat."""

    model_config = ConfigDict(extra="ignore", strict=True)

    role: str
    content: str | list[ChatPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """How to stream."""

    model_config = ConfigDict(extra="ignore", strict=True)

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """A chat whose last user message holds the document."""

    model_config = ConfigDict(extra="allow", strict=True, use_attribute_docstrings=True)

    messages: Annotated[list[ChatMessage], Field(json_schema_extra={"minItems": 1})]
    model: str = ""
    """Any name: the one model answers, and says its own."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int | None, Field(json_schema_extra={"enum": [1, None]})] = None


def refusal(request: ChatRequest) -> str | None:
    """Say why this chat can't be answered, or return None."""
    if request.n not in (None, 1):
        return "body.n: is not 1, and there is one graph per text. Send 1, or leave it out."
    if not any(message.role == "user" for message in request.messages):
        return 'body.messages: has no message of role "user". Put the document into one.'
    return None


def has_system_message(request: ChatRequest) -> bool:
    """Whether the chat brings instructions of its own, which are ignored: the model was tuned on ours."""
    return any(message.role in ("system", "developer") for message in request.messages)


def ignored_keys(request: ChatRequest) -> str:
    """Name the keys that have a value and no effect, for a header; those of another spelling are counted."""
    given = [key for key, value in (request.model_extra or {}).items() if value is not None]
    named = sorted(key for key in given if _KEY.fullmatch(key))[:_MOST_KEYS]
    rest = len(given) - len(named)
    return ", ".join([*named, *([f"and {rest} more"] if rest else [])])


def document(request: ChatRequest, *, prefix: str, suffix: str) -> str:
    """Return the last user message without the frame that the pipeline puts around its documents.

    White space at the frame's ends does not count: YAML and prompt templates disagree about it.
    """
    content = [message.text for message in request.messages if message.role == "user"][-1].strip()
    return content.removeprefix(prefix.strip()).removesuffix(suffix.strip()).strip()


def usage(extraction: Extraction) -> dict[str, int]:
    """Return the token counts as the OpenAI API names them."""
    return {
        "prompt_tokens": extraction.num_prompt_tokens,
        "completion_tokens": extraction.num_answer_tokens,
        "total_tokens": extraction.num_prompt_tokens + extraction.num_answer_tokens,
    }


def completion(extraction: Extraction, content: str, *, model: str, id_: str, created: int) -> dict[str, Any]:
    """Return the answer object of a chat completion with `content` as its only message."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": extraction.finish_reason}
    return {
        "id": id_,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": usage(extraction),
    }


def chunks(
    extraction: Extraction, graph: Graph, request: ChatRequest, *, model: str, id_: str, created: int
) -> Iterator[dict[str, Any]]:
    """Return the objects of a streamed completion: the role, the content piece by piece, how it ended."""
    frame = {"id": id_, "object": "chat.completion.chunk", "created": created, "model": model}
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": piece}, None) for piece in pieces(graph)]
    deltas += [({}, extraction.finish_reason)]
    for delta, finish in deltas:
        yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if request.stream_options is not None and request.stream_options.include_usage:
        yield {**frame, "choices": [], "usage": usage(extraction)}


def pieces(graph: Graph) -> Iterator[str]:
    """Cut a graph's JSON text where an entity or relationship ends; joined, they are the text."""
    values = graphs.to_object(graph)
    for key, before in (("entities", "{"), ("relationships", "],")):
        yield f'{before}"{key}":['
        for number, item in enumerate(values[key]):
            text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
            yield f",{text}" if number else text
    yield "]}"


def model_list(name: str) -> dict[str, Any]:
    """Return the answer object of the list of models: the one that is loaded."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "kgtune"}]}
