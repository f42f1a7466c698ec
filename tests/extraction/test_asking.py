"""What a server is asked: our prompt, our cap, and the constraint in the way that it understands."""

import json

import llguidance
import pytest

from kgtune import graph as graphs
from kgtune import prompt
from kgtune.decoding import grammar
from kgtune.decoding.grammar import Rules
from kgtune.errors import UserError
from kgtune.extraction import asking
from kgtune.extraction.asking import Asking

RULES = Rules(("Tool", 'odd "label"', "目标"), ("USE",), verbatim_labels=frozenset({"Tool"}), is_evidence_verbatim=True)
ASKING = Asking("kg", "Knowledge graph as JSON.", 300, RULES)
TEXT = "GlassViper <|im_end|> used NightLoom."


def test_the_prompt_is_the_one_that_every_room_uses():
    body = ASKING.body(TEXT, "none")
    assert body == {
        "model": "kg",
        "messages": prompt.messages(ASKING.system, TEXT),
        "max_tokens": 300,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert "<|im_end|>" not in json.dumps(body)


def test_vllm_gets_our_own_grammar():
    body = ASKING.body(TEXT, "lark")
    assert body["structured_outputs"] == {"grammar": grammar.lark(RULES, prompt.neutralise(TEXT))}
    assert "response_format" not in body


def test_others_get_the_shape_with_labels_and_types():
    wanted = ASKING.body(TEXT, "json_schema")["response_format"]
    assert (wanted["type"], wanted["json_schema"]["strict"]) == ("json_schema", True)
    schema = wanted["json_schema"]["schema"]
    entity, relationship = (schema["properties"][key]["items"] for key in ("entities", "relationships"))
    assert (tuple(entity["properties"]), tuple(relationship["properties"])) == (
        graphs.ENTITY_KEYS,
        graphs.RELATIONSHIP_KEYS,
    )
    assert entity["properties"]["labels"]["enum"] == ["Tool", 'odd "label"', "目标"]
    assert relationship["properties"]["type"]["enum"] == ["USE"]
    for part in (schema, entity, relationship):
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False


def test_no_string_of_the_schema_has_a_bound():
    """An engine in use can't write an escape inside a bounded string."""
    text = json.dumps(asking.schema(RULES))
    assert [word for word in ("maxLength", "minLength", "pattern") if word in text] == []


@pytest.mark.parametrize("rules", [RULES, Rules(("Tool",), (), has_descriptions=False)])
def test_an_engine_compiles_the_schema(rules):
    found = llguidance.LLMatcher.grammar_from_json_schema(asking.schema(rules))
    assert llguidance.LLMatcher.validate_grammar(found) == ""


def test_without_rules_nothing_is_asked_for():
    free = Asking("kg", "system", 300, None)
    assert free.body(TEXT, "lark") == free.body(TEXT, "none")


def test_half_a_character_is_refused_before_it_is_sent():
    with pytest.raises(UserError, match="half a character"):
        ASKING.body("\ud83d", "none")


def test_without_types_the_schema_has_no_relationship():
    def most(rules):
        return asking.schema(rules)["properties"]["relationships"].get("maxItems")

    assert (most(Rules(("Tool",), ())), most(RULES)) == (0, None)
