"""The chat dialect without HTTP: the document out of its frame, and instructions that are told to be ignored."""

import pytest

from kgtune.service import chat
from kgtune.service.chat import ChatMessage, ChatRequest


def request(*messages):
    return ChatRequest(messages=[ChatMessage(role=role, content=content) for role, content in messages])


@pytest.mark.parametrize(
    "content", ["body", "Text:body", "Text:\n\n body \n END", " Text: body END\n", "body END", "Text: body"]
)
def test_the_document_is_what_stands_in_the_frame(content):
    assert chat.document(request(("user", content)), prefix="Text:\n", suffix="\nEND") == "body"


def test_the_last_user_message_holds_the_document():
    asked = request(("user", "first"), ("assistant", "answer"), ("user", "second"), ("assistant", "x"))
    assert chat.document(asked, prefix="", suffix="") == "second"


def test_of_many_keys_without_effect_the_first_are_named():
    extra = {f"k_{chr(97 + number // 10)}{chr(97 + number % 10)}": number for number in range(200)}
    named = chat.ignored_keys(ChatRequest(messages=[ChatMessage(role="user", content="x")], **extra)).split(", ")
    assert (named[0], len(named), named[-1]) == ("k_aa", 31, "and 170 more")


@pytest.mark.parametrize(("role", "is_one"), [("system", True), ("developer", True), ("user", False), ("tool", False)])
def test_instructions_are_known_by_their_role(role, is_one):
    assert chat.has_system_message(request((role, "Do this."), ("user", "text"))) == is_one
