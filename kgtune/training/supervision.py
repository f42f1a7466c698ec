"""From examples to training samples: what is fed, what is supervised, and the proof that both are as meant.

Knows tokenizers only through `ChatTokenizer`; knows nothing about models or trainers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kgtune import prompt
from kgtune.checks import catalogue
from kgtune.conversion.overlength import Fitter, Ledger, Policy, advice
from kgtune.errors import CheckFailed, Problem
from kgtune.examples import Example
from kgtune.grounding import is_whole_in
from kgtune.prompt import ChatTokenizer, Message


@dataclass(frozen=True, slots=True)
class Sample:
    """One rendered example. `prompt_ids` + `answer_ids` is all that the model is fed; the second is supervised."""

    example: Example
    prompt_text: str
    answer_text: str
    prompt_ids: tuple[int, ...]
    answer_ids: tuple[int, ...]

    @property
    def num_tokens(self) -> int:
        return len(self.prompt_ids) + len(self.answer_ids)

    def chat_row(self, system: str) -> dict[str, list[Message]]:
        """The prompt-completion row that the trainer renders for itself."""
        return {
            "prompt": prompt.messages(system, self.example.text),
            "completion": [{"role": "assistant", "content": answer_content(self.example)}],
        }


@dataclass(frozen=True, slots=True)
class Supervision:
    """The samples that will be trained on, and what did not make it."""

    samples: tuple[Sample, ...]
    ledger: Ledger

    @property
    def dropped(self) -> Counter[str]:
        """Examples that did not make it, by reason."""
        return self.ledger.rows.lost

    @property
    def max_answer_tokens(self) -> int:
        return max((len(sample.answer_ids) for sample in self.samples), default=0)


def verbatim_shares(samples: Sequence[Sample]) -> tuple[float | None, dict[str, float]]:
    """Share of the evidence, and of each label's names, that stand in their text word for word; None of nothing.

    Closer than the data report's "anchored": a grammar that holds an answer to its text knows no other spelling.
    """
    evidence: list[bool] = []
    names: dict[str, list[bool]] = {}
    for text, graph in ((sample.example.text, sample.example.graph) for sample in samples):
        evidence += [is_whole_in(text, edge.evidence) for edge in graph.relationships if edge.evidence]
        for entity in graph.entities:
            names.setdefault(entity.labels, []).append(is_whole_in(text, entity.name))
    shares = {label: round(sum(found) / len(found), 4) for label, found in sorted(names.items())}
    return (round(sum(evidence) / len(evidence), 4) if evidence else None), shares


def answer_content(example: Example) -> str:
    """The assistant's text: the canonical graph, control tokens in it neutralised as they are in the prompt."""
    return prompt.neutralise(example.answer)


def supervise(
    examples: Sequence[Example],
    tokenizer: ChatTokenizer,
    system: str,
    *,
    max_seq_length: int,
    overlength: Policy,
) -> Supervision:
    """Render every example; check that nothing is cut and that prompt and end are as meant; refuse with all problems.

    Raises:
        CheckFailed: an answer would be cut, a prompt is no exact prefix, or the end of the answer isn't trained.
    """
    fitter = Fitter(overlength, max_seq_length, lambda example: num_tokens(example, tokenizer, system))
    samples: list[Sample] = []
    problems: list[Problem] = []
    for example in examples:
        sample = render(example, tokenizer, system)
        fitted = fitter.fit(example, sample.num_tokens)
        samples += [sample if row is example else render(row, tokenizer, system) for row in fitted]
        if not fitted and overlength == "refuse":
            problems.append(_too_long(sample, max_seq_length))
    remedy = f"\n{advice(fitter.too_long, max_seq_length)}" if problems else ""
    for sample in samples:
        problems.extend(check_sample(sample, tokenizer))
    if problems:
        summary = f"{len(problems)} of {len(examples)} rows can't be trained on as they are:{remedy}"
        raise CheckFailed(problems, summary=summary)
    return Supervision(tuple(samples), fitter.ledger)


def num_tokens(example: Example, tokenizer: ChatTokenizer, system: str) -> int:
    """Return `render(...).num_tokens`, for half the work."""
    return len(_ids(tokenizer, _full_text(example, tokenizer, system)))


def _full_text(example: Example, tokenizer: ChatTokenizer, system: str) -> str:
    chat = [*prompt.messages(system, example.text), {"role": "assistant", "content": answer_content(example)}]
    return str(tokenizer.apply_chat_template(chat, tokenize=False))


def render(example: Example, tokenizer: ChatTokenizer, system: str) -> Sample:
    """Render prompt and prompt+answer by the template, and cut the second where the first ends."""
    prompt_text = prompt.render(tokenizer, system, example.text)
    full_text = _full_text(example, tokenizer, system)
    prompt_ids = _ids(tokenizer, prompt_text)
    full_ids = _ids(tokenizer, full_text)
    if full_ids[: len(prompt_ids)] != prompt_ids or not full_text.startswith(prompt_text):
        raise CheckFailed([_not_a_prefix(example, prompt_text, full_text)])
    return Sample(
        example,
        prompt_text,
        full_text[len(prompt_text) :],
        prompt_ids,
        full_ids[len(prompt_ids) :],
    )


def check_sample(sample: Sample, tokenizer: ChatTokenizer) -> list[Problem]:
    """List what would make this sample teach the wrong thing: a lost end of answer, a changed text."""
    where = f"row {sample.example.id}"
    ids = list(sample.answer_ids)
    last = len(ids) - 1
    while last >= 0 and not str(tokenizer.decode([ids[last]])).strip():
        last -= 1
    if last < 0:
        return [catalogue.problem("C1-NOTHING-SUPERVISED", where)]
    if ids[last] != tokenizer.eos_token_id:
        ending = repr(sample.answer_text[-40:])
        return [catalogue.problem("C1-END-NOT-TRAINED", where, end=tokenizer.eos_token, ending=ending)]
    decoded = str(tokenizer.decode(ids[:last]))
    if decoded != answer_content(sample.example):
        return [catalogue.problem("C3-ANSWER-CHANGED", where, decoded=repr(decoded[:80]))]
    return []


def preview(sample: Sample) -> str:
    """Show one sample as a person reads it: what is supervised stands between [[ and ]]."""
    return (
        f"row {sample.example.id}: {len(sample.prompt_ids)} prompt tokens, "
        f"{len(sample.answer_ids)} supervised tokens between [[ and ]]\n"
        f"{sample.prompt_text}[[{sample.answer_text}]]"
    )


def _ids(tokenizer: ChatTokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _too_long(sample: Sample, limit: int) -> Problem:
    return catalogue.problem(
        "C2-TOO-LONG",
        f"row {sample.example.id}",
        num_tokens=sample.num_tokens,
        num_prompt=len(sample.prompt_ids),
        num_answer=len(sample.answer_ids),
        limit=limit,
    )


def _not_a_prefix(example: Example, prompt_text: str, full_text: str) -> Problem:
    same = next(
        (i for i, (a, b) in enumerate(zip(prompt_text, full_text, strict=False)) if a != b),
        len(prompt_text),
    )
    around = slice(max(same - 20, 0), same + 20)
    one, other = repr(prompt_text[around]), repr(full_text[around])
    return catalogue.problem("C4-NOT-A-PREFIX", f"row {example.id}", at=same, one=one, other=other)
