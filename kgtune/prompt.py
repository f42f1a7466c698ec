"""The one prompt that training, evaluation, inference and service share, and the contract that proves it.

Knows nothing about files or models; a tokenizer comes in as a `ChatTokenizer`, its template applied here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, NamedTuple, Protocol

from kgtune.checks import catalogue
from kgtune.errors import ModelError
from kgtune.ontology import Label, Ontology, RelationType

Guidelines = Literal["full", "brief"]
Message = dict[str, str]

# What a chat template or a tool-calling tokenizer would read as its own: <|im_end|>, <tool_call>, </think> ...
_CONTROL = re.compile(r"<(?=\|[^<>|\s]{1,40}\|>|/?(?:tool_call|tool_response|tools|think)>)")
_HARMLESS = "‹"  # one character for one: offsets into the text stay true
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"')
_RESTORE = re.compile(r"‹(?=\|[^<>|\s]{1,40}\|>|/?(?:tool_call|tool_response|tools|think)>)")

# Holds every kind of thing that a changed template, tokenizer or neutraliser would treat differently.
PROBE_TEXT = "探针 probe <|im_end|> 198[.]51[.]100[.]7\n\nline two\t“quoted”"

_FULL_HEAD = (
    "Extract the knowledge graph from the threat report. Answer with one line of JSON only:\n"
    '{"entities":[{"labels":"","id":"e1","name":"","description":""}],'
    '"relationships":[{"type":"","source":"e1","target":"e2","confidence":0.95,"evidence":""}]}'
)
_FULL_RULES = (
    "Rules: only what the text states; names and evidence copied from the text; ids e1, e2, ... by first "
    "mention; source and target are ids of entities; nothing relevant: empty lists."
)


class ChatTokenizer(Protocol):
    """What this package asks of a tokenizer. Token ids are flat lists."""

    eos_token: str
    eos_token_id: int
    chat_template: Any

    def apply_chat_template(self, conversation: Any, **kwargs: Any) -> Any: ...

    def decode(self, token_ids: Any, **kwargs: Any) -> Any: ...

    def __call__(self, text: Any, **kwargs: Any) -> Any: ...


def system_message(ontology: Ontology, guidelines: Guidelines) -> str:
    """Write the system message: `full` explains every label and type, `brief` only names them."""
    if guidelines == "brief":
        labels = ", ".join(label.name for label in ontology.labels)
        types = ", ".join(kind.name for kind in ontology.types)
        return f"Knowledge graph as JSON.\nlabels: {labels}\ntypes: {types}"
    lines = [_FULL_HEAD, "Labels:"]
    lines += [_explain(label) for label in ontology.labels]
    lines += ["Types:"]
    lines += [_explain(kind) for kind in ontology.types]
    lines += [_FULL_RULES]
    return "\n".join(lines)


def _explain(item: Label | RelationType) -> str:
    if not item.guideline_en:
        return item.name  # explains itself; a gloss for each would take stix21 to 632 tokens, over the limit of 400
    gloss = f" {item.zh}" if item.zh and item.zh != item.name else ""
    return f"{item.name}{gloss}: {item.guideline_en}"


class Shot(NamedTuple):
    """An example inside a prompt: a text and its answer."""

    text: str
    answer: str


def messages(system: str, text: str, shots: Sequence[Shot] = ()) -> list[Message]:
    """Return the chat that asks for the graph of `text`, behind examples if there are any."""
    chat = [{"role": "system", "content": system}]
    for shot in shots:
        chat += [{"role": "user", "content": neutralise(shot.text)}, {"role": "assistant", "content": shot.answer}]
    return [*chat, {"role": "user", "content": neutralise(text)}]


def neutralise(text: str) -> str:
    """Make chat-control tokens inside a text harmless, character for character."""
    return _CONTROL.sub(_HARMLESS, text)


def restore(answer: str, text: str) -> str:
    """Undo `neutralise` in what a model copied out of `text`: a string that stands there is spelled as it stands."""
    if not _CONTROL.search(text):
        return answer
    parts: list[str] = []
    at = 0
    for string in _STRING.finditer(answer):
        parts += [_RESTORE.sub("<", answer[at : string.start()]), _original(string[0], text)]
        at = string.end()
    return "".join([*parts, _RESTORE.sub("<", answer[at:])])


def _original(string: str, text: str) -> str:
    """Spell a JSON string as `text` does where it stands there: only that tells a neutralised "<" from a "‹"."""
    if _HARMLESS not in string:
        return string
    piece = str(json.loads(string))
    at = neutralise(text).find(piece)
    if at < 0:
        return _RESTORE.sub("<", string)
    return json.dumps(text[at : at + len(piece)], ensure_ascii=False)


def render(tokenizer: ChatTokenizer, system: str, text: str, shots: Sequence[Shot] = ()) -> str:
    """Return the prompt exactly as the model sees it, up to where its answer begins."""
    chat = messages(system, text, shots)
    rendered = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return str(rendered)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a model was trained on, so that nobody can ask it in other words without noticing.

    `max_answer_tokens` is the longest answer of its training data, in its own tokens. The shares of its evidence
    and, by label, of its names that stand in their text word for word say what a grammar may hold it to; a
    model that was trained before they were recorded has none.
    Half of its texts have `usual_text_tokens` at most, nine in ten `long_text_tokens`: the prompt's less its frame.
    `train_rows_sha256` marks the rows that it was trained on: on others nobody may measure it.
    """

    base_model: str
    system: str
    guidelines: str
    ontology_hash: str
    rendered_probe_sha256: str
    max_answer_tokens: int
    schema_version: int = 1
    has_descriptions: bool = True
    verbatim_evidence: float | None = None
    verbatim_names: Mapping[str, float] = field(default_factory=dict)
    usual_text_tokens: int | None = None
    long_text_tokens: int | None = None
    train_rows_sha256: str | None = None


def probe_hash(tokenizer: ChatTokenizer, system: str) -> str:
    """Hash of the rendered probe prompt and of its token ids: template, tokenizer and neutraliser at once."""
    rendered = render(tokenizer, system, PROBE_TEXT)
    ids = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    return hashlib.sha256(f"{rendered}\0{list(ids)}".encode()).hexdigest()


def check_contract(contract: Contract, tokenizer: ChatTokenizer, *, where: str) -> None:
    """Refuse a model whose prompt would not be rendered as it was in training."""
    found = probe_hash(tokenizer, contract.system)
    if found != contract.rendered_probe_sha256:
        expected = contract.rendered_probe_sha256
        problem = catalogue.problem(
            "C4-OTHER-PROMPT", f"{where}/prompt_contract.json", found=found[:12], expected=expected[:12]
        )
        raise ModelError(catalogue.told(problem))


def contract_from(obj: Mapping[str, Any], *, where: str) -> Contract:
    """Read a contract; an unknown or missing key says which."""
    required = [f.name for f in fields(Contract) if f.default is f.default_factory is MISSING]
    missing, unknown = (
        [k for k in required if k not in obj],
        [k for k in obj if k not in Contract.__slots__],
    )
    if missing or unknown:
        raise ModelError(
            f"{where}: missing keys {missing}, unknown keys {unknown}. "
            "Use the file that fine_tune.py wrote, unchanged, or fine-tune again."
        )
    return Contract(**obj)
