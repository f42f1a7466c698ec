"""The OpenAI chat-completions dialect: the document out of a chat, and a graph into a chat's answer.

Knows nothing about HTTP frameworks or models. Keys that only steer a chat (temperature, top_p, ...) are
accepted and have no effect: decoding is greedy. Keys that would change the answer's shape are refused.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from kgtune.extractor import Extraction


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


class ChatRequest(BaseModel):
    """A chat whose last user message holds the document."""

    model_config = ConfigDict(extra="ignore", strict=True)

    messages: list[ChatMessage]
    model: str = ""
    stream: bool | None = None
    n: int | None = None


def refusal(request: ChatRequest) -> str | None:
    """Say why this chat can't be answered, or return None."""
    if request.stream:
        return "body.stream: is true, and answers are not streamed here. Send false, or leave it out."
    if request.n not in (None, 1):
        return "body.n: is not 1, and there is one graph per text. Send 1, or leave it out."
    if not any(message.role == "user" for message in request.messages):
        return 'body.messages: has no message of role "user". Put the document into one.'
    return None


def has_system_message(request: ChatRequest) -> bool:
    """Whether the chat brings instructions of its own, which are ignored: the model was tuned on ours."""
    return any(message.role in ("system", "developer") for message in request.messages)


def document(request: ChatRequest, *, prefix: str, suffix: str) -> str:
    """Return the last user message without the frame that the pipeline puts around its documents.

    White space at the frame's ends does not count: YAML and prompt templates disagree about it.
    """
    content = [message.text for message in request.messages if message.role == "user"][-1].strip()
    return content.removeprefix(prefix.strip()).removesuffix(suffix.strip()).strip()


def completion(extraction: Extraction, content: str, *, model: str, id_: str, created: int) -> dict[str, Any]:
    """Return the answer object of a chat completion with `content` as its only message."""
    usage = {
        "prompt_tokens": extraction.num_prompt_tokens,
        "completion_tokens": extraction.num_answer_tokens,
        "total_tokens": extraction.num_prompt_tokens + extraction.num_answer_tokens,
    }
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": extraction.finish_reason}
    return {
        "id": id_,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": usage,
    }


def model_list(name: str) -> dict[str, Any]:
    """Return the answer object of the list of models: the one that is loaded."""
    return {"object": "list", "data": [{"id": name, "object": "model", "created": 0, "owned_by": "kgtune"}]}
