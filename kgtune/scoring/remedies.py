"""What to do about a finding, by whose answers show it: the base's, the tuned model's, another's.

Knows nothing about how often it was found. A remedy names no setting but those of config.yaml, and none that is
already so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Role = Literal["base", "tuned", "held", "other"]
ROLES: dict[str, Role] = {"before": "base", "few_shot": "base", "after": "tuned", "after_constrained": "held"}
"""The columns of fine_tune.py. The scorer's systems are another's, whatever they are called."""

SHAPE = ("code_fence", "prose_around", "quotes", "trailing_comma", "bad_escape", "duplicate_key", "not_json",
         "array_root", "not_object", "missing_key", "extra_key", "wrong_type")  # fmt: skip
"""What any grammar rules out."""
NAMES = ("unknown_label", "unknown_type")
REFERENCES = ("duplicate_id", "dangling_id")
"""With NAMES, what decoding.constraint=full rules out."""

REMEDIES: dict[str, str] = {
    "untuned": "Nothing to mend here: this is the base, before fine-tuning.",
    "held_already": "inference.py and serve.py rule it out already (decoding.constraint={constraint}; the column "
                    "after_constrained); free answers get better with a higher training.max_steps or more documents.",
    "hold": "Set decoding.constraint=full, raise training.max_steps, or train on more documents.",
    "hold_names": "Set decoding.constraint=full, or add the name to the ontology if it is right.",
    "ours": "No finished answer that is held to the grammar has this: look at those that were cut off first "
            "(decoding.max_new_tokens); any other is a fault of this program, so please report it.",
    "longer_answers": "Raise decoding.max_new_tokens, or train on more documents as long as these.",
    "repeats": "Raise training.max_steps, or train on more documents as long as these.",
    "silent": "Look into training_samples.json whether the answers are supervised, then raise training.max_steps.",
    "ask_again": "Run the extraction again for these ids.",
    "no_text": "Look at the prompt: the text may not reach the model.",
    "other_shape": "Hold that system to a JSON schema, or ask it for JSON alone.",
    "other_names": "Tell that system the ontology's names, or score by the one that it was asked for (--ontology).",
    "other_references": "Tell that system that an id stands once and that every source and target is one of them.",
    "other_repeats": "Give that system shorter texts, or a limit on repetition.",
    "other_cut_off": "Raise that system's limit of tokens, or split the texts.",
}  # fmt: skip

_SINGLE: dict[Role, dict[str, str]] = {
    "base": {},
    "tuned": {"cut_off": "longer_answers", "loop": "repeats", "empty": "silent", "no_answer": "ask_again"},
    "held": {"cut_off": "longer_answers", "loop": "repeats", "no_answer": "ask_again"},
    "other": {"cut_off": "other_cut_off", "loop": "other_repeats", "empty": "no_text", "no_answer": "ask_again"},
}


def constraint_of(result: Mapping[str, Any]) -> str | None:
    """Return the decoding.constraint of a fine-tuning's results; None of the scorer's, where it is not known."""
    found: str | None = result.get("constraint")
    return found


def remedy(code: str, system: str, constraint: str | None) -> str:
    """Name the remedy for a finding in a column; `constraint` is None where the systems are another's."""
    role: Role = "other" if constraint is None else ROLES.get(system, "other")
    if role == "base":
        return "untuned"
    if code in _SINGLE[role]:
        return _SINGLE[role][code]
    if role == "other":
        return "other_shape" if code in SHAPE else "other_names" if code in NAMES else "other_references"
    is_ruled_out = constraint == "full" or (constraint == "schema" and code not in {*NAMES, *REFERENCES})
    if is_ruled_out:
        return "ours" if role == "held" else "held_already"
    return "hold_names" if code in NAMES else "hold"


def told(code: str, system: str, constraint: str | None) -> str:
    """Say in English what to do about a finding in a column."""
    return REMEDIES[remedy(code, system, constraint)].format(constraint=constraint)
