"""What an OpenAI-compatible server is asked: the same prompt, cap and constraint as a model in this process.

Knows nothing about connections. With `lark` the server gets our own grammar, which holds references and verbatim
strings; with `json_schema` the shape, the labels and the types, and the rest is checked when the answer is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from kgtune import prompt
from kgtune.decoding import grammar
from kgtune.decoding.grammar import Rules
from kgtune.extraction.extractor import refuse_half_characters

Grammar = Literal["lark", "json_schema", "none"]


@dataclass(frozen=True, slots=True)
class Asking:
    """How a fine-tuned model is asked by name. `system` is the message it was trained on; the cap is in tokens."""

    model: str
    system: str
    max_tokens: int
    rules: Rules | None

    def body(self, text: str, way: Grammar) -> dict[str, Any]:
        """Return the body of a request; greedy, and streamed, so that a server notices when nobody waits any more."""
        refuse_half_characters(text)
        return {
            "model": self.model,
            "messages": prompt.messages(self.system, text),
            "max_tokens": self.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        } | self._constraint(text, way)

    def _constraint(self, text: str, way: Grammar) -> dict[str, Any]:
        if self.rules is None or way == "none":
            return {}
        if way == "lark":
            return {"structured_outputs": {"grammar": grammar.lark(self.rules, prompt.neutralise(text))}}
        wanted = {"name": "knowledge_graph", "strict": True, "schema": schema(self.rules)}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}


def schema(rules: Rules) -> dict[str, Any]:
    """Write the rules as a JSON schema.

    Strings have no bounds: an engine in use can't write an escape inside a bounded string (xgrammar #800).
    """
    string = {"type": "string"}
    entity = {
        "labels": {"type": "string", "enum": list(rules.labels)},
        "id": string,
        "name": string,
        "description": string if rules.has_descriptions else {"type": "string", "enum": [""]},
    }
    relationship = {
        "type": {"type": "string", "enum": list(rules.types)} if rules.types else string,
        "source": string,
        "target": string,
        "confidence": {"type": "number"},
        "evidence": string,
    }
    return _object(
        {
            "entities": {"type": "array", "items": _object(entity), "maxItems": rules.max_entities},
            "relationships": {"type": "array", "items": _object(relationship)}
            | ({} if rules.types else {"maxItems": 0}),
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
