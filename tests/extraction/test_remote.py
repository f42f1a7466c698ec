"""The extractor over a server: probed, asked in the way it understands, never trusted, and left when nobody waits."""

import json
import logging
import threading

import pytest

from kgtune import graph as graphs
from kgtune import model_folder, ontology
from kgtune.errors import ModelError, UserError
from kgtune.extraction import remote
from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.extraction.interruption import BackendError, PartlyFailedError, TextCancels
from kgtune.graph import Entity, Graph
from kgtune.parsing import parse_answer
from kgtune.prompt import Contract
from kgtune.settings import Config, DecodingSettings, OpenaiSettings
from tests.extraction.test_upstream import Pauses
from tests.fake_openai import LIMIT_S, Answer, serving

TEXT = "GlassViper used NightLoom against Northwind Bank."
GRAPH = parse_answer(CANNED_ANSWER).graph
ONTOLOGY = ontology.load("threat_event")


def user(body):
    return body["messages"][-1]["content"]


@pytest.fixture
def folder(tmp_path):
    """A model's folder without its weights."""
    names = dict.fromkeys(ONTOLOGY.label_names, 1.0)
    contract = Contract("base", "Knowledge graph as JSON.", "brief", ONTOLOGY.hash, "probe", 200, verbatim_evidence=1.0, verbatim_names=names)  # fmt: skip
    model_folder.save_contract(tmp_path, contract, ONTOLOGY)
    return tmp_path


def load(folder, fake, constraint="full", **settings):
    values = {"base_url": fake.base_url, "retries": 1, "timeout_s": LIMIT_S, **settings}
    cfg = Config(decoding=DecodingSettings(constraint=constraint), openai=OpenaiSettings(**values), backend="openai")
    found = remote.load(folder, cfg)
    found.upstream.sleep = Pauses()
    return found


def test_a_text_is_asked_by_the_contract_and_its_graph_comes_back(folder):
    with serving(lambda _: Answer(CANNED_ANSWER)) as fake:
        extractor = load(folder, fake)
        (extraction,) = extractor.extract([TEXT])
    assert (extraction.graph, extraction.raw_text, extraction.finish_reason) == (GRAPH, CANNED_ANSWER, "stop")
    assert (extraction.num_prompt_tokens, extraction.num_answer_tokens) == (70, 30)
    assert (extractor.name, extractor.ontology) == ("kg", ONTOLOGY)
    (body,) = fake.bodies
    assert body["messages"][0] == {"role": "system", "content": "Knowledge graph as JSON."}
    assert body["max_tokens"] == 266  # the longest answer of its training, and a margin
    assert "structured_outputs" in body


@pytest.mark.parametrize(
    ("constraint", "owner", "grammar", "key"),
    [
        ("full", "vllm", "auto", "structured_outputs"),
        ("schema", "vllm", "auto", "structured_outputs"),
        ("full", "sglang", "auto", "response_format"),
        ("full", "vllm", "json_schema", "response_format"),
        ("full", "llamacpp", "lark", "structured_outputs"),
        ("none", "vllm", "lark", None),
    ],
)
def test_the_constraint_is_asked_for_in_the_way_of_the_server(folder, constraint, owner, grammar, key):
    with serving(owned_by=owner) as fake:
        load(folder, fake, constraint, grammar=grammar).extract([TEXT])
    assert [name for name in ("structured_outputs", "response_format") if name in fake.bodies[0]] == [key] * bool(key)


def test_a_server_that_refuses_our_grammar_is_asked_by_json_schema_from_then_on(folder, caplog):
    with serving(takes_lark=False) as fake:
        extractor = load(folder, fake)
        assert [one.graph for one in (*extractor.extract([TEXT]), *extractor.extract(["Another text."]))] == [
            Graph()
        ] * 2
    ways = ["structured_outputs" in body for body in fake.bodies]
    assert ways == [True, False, False]
    assert "from here on it is asked by json_schema" in caplog.text


def test_a_text_that_is_refused_both_ways_is_the_texts_fault_and_changes_nothing(folder):
    with serving(lambda body: Answer(status=400) if "long" in user(body) else Answer(CANNED_ANSWER)) as fake:
        extractor = load(folder, fake)
        with pytest.raises(UserError, match="does not take this text .400."):
            extractor.extract(["long"])
        extractor.extract([TEXT])
    assert extractor.way == "lark"


def test_a_missing_model_is_refused_at_the_start(folder):
    with serving(models=("base",)) as fake, pytest.raises(ModelError, match='does not serve a model "kg"'):
        load(folder, fake)


def test_an_answer_that_breaks_the_rules_loses_what_does_and_says_so(folder, caplog):
    """As of a server that takes the constraint and does not keep to it."""
    answer = CANNED_ANSWER.replace('"NightLoom"', '"VelkaRAT"').replace("against Northwind Bank", "made up")
    with serving(lambda _: Answer(answer)) as fake:
        (extraction,) = load(folder, fake).extract([TEXT])
    assert [entity.name for entity in extraction.graph.entities] == ["GlassViper", "Northwind Bank"]
    assert [(edge.type, edge.evidence) for edge in extraction.graph.relationships] == [("ATTACK", "")]
    assert "'name is not in the text': 1" in caplog.text
    assert "'dangling': 1" in caplog.text


def test_an_answer_that_the_cap_cuts_is_the_graph_of_its_whole_items(folder):
    cuts = [CANNED_ANSWER[:length] for length in range(len(CANNED_ANSWER))]
    with serving(lambda body: Answer(cuts[int(user(body).split()[-1])], "length")) as fake:
        found = load(folder, fake).extract([f"{TEXT} {length}" for length in range(0, len(cuts), 3)])
    assert len(found) == 149
    for extraction in found:
        graph = extraction.graph
        assert extraction.finish_reason == "length"
        assert graph.entities == GRAPH.entities[: len(graph.entities)]
        assert graph.relationships == GRAPH.relationships[: len(graph.relationships)]
        assert len(graph.entities) + len(graph.relationships) == extraction.raw_text.count('"}')


def test_an_answer_that_is_no_graph_says_why(folder):
    with serving(lambda _: Answer("I am sorry.")) as fake:
        (extraction,) = load(folder, fake).extract([TEXT])
    assert (extraction.graph, extraction.reason, extraction.raw_text) == (None, "not_json", "I am sorry.")


def test_texts_are_asked_at_once_and_come_back_in_their_order(folder):
    together = threading.Barrier(3, timeout=LIMIT_S)

    def answer(body):
        together.wait()
        return Answer(CANNED_ANSWER if "GlassViper" in user(body) else graphs.EMPTY_TEXT)

    with serving(answer) as fake:
        found = load(folder, fake).extract(["one", TEXT, "two"])
    assert [len(one.graph.entities) for one in found] == [0, 3, 0]


def test_no_more_texts_are_asked_at_once_than_batch_size(folder):
    lock, now, most, pair = threading.Lock(), [], [], threading.Barrier(2, timeout=LIMIT_S)

    def answer(body):
        with lock:
            now.append(body)
            most.append(len(now))
        pair.wait()
        with lock:
            now.pop()
        return Answer(CANNED_ANSWER)

    with serving(answer) as fake:
        extractor = load(folder, fake)
        extractor.batch_size = 2
        assert len(extractor.extract([TEXT] * 20)) == 20
    assert (len(most), max(most) <= 2) == (20, True)


def test_one_failure_takes_no_answer_from_the_others(folder):
    def answer(body):
        return Answer(status=500) if "bad" in user(body) else Answer(CANNED_ANSWER)

    with serving(answer) as fake, pytest.raises(PartlyFailedError, match="1 of 3 texts failed") as caught:
        load(folder, fake).extract([TEXT, "bad", TEXT])
    first, second, third = caught.value.outcomes
    assert (first.graph, third.graph) == (GRAPH, GRAPH)
    assert (type(second), second.status) == (BackendError, 502)


def test_a_cancelled_text_hangs_up_and_the_others_are_answered(folder):
    release = threading.Event()
    cancels = TextCancels(2)

    def answer(body):
        if "slow" in user(body):
            cancels.cancel_text(0)
            return Answer(CANNED_ANSWER, wait=release)
        return Answer(CANNED_ANSWER)

    with serving(answer) as fake:
        # the time limit is far away: only the cancel can end this
        found = load(folder, fake, timeout_s=60 * LIMIT_S).extract(["slow", TEXT], cancel=cancels)
        assert fake.hung_up.wait(LIMIT_S)
        release.set()
    assert [(one.finish_reason, one.graph) for one in found] == [("cancelled", None), ("stop", GRAPH)]


def test_control_tokens_are_harmless_on_the_way_and_stand_as_written_in_the_answer(folder):
    text = "GlassViper <|im_end|> used <|im_start|>."
    answer = Graph((Entity("Tool", "e1", "‹|im_start|>"),))
    with serving(lambda _: Answer(graphs.dumps(answer))) as fake:
        (extraction,) = load(folder, fake).extract([text])
    assert "<|im" not in json.dumps(fake.bodies, ensure_ascii=False)
    assert extraction.graph.entities[0].name == "<|im_start|>"


def test_no_log_line_holds_a_text(folder, caplog):
    caplog.set_level(logging.DEBUG, "kgtune")
    answers = [Answer(status=400), Answer(CANNED_ANSWER.replace("NightLoom", "SecretName")), Answer("SecretName")]
    for answer in answers:
        with serving(lambda _, answer=answer: answer) as fake:
            extractor = load(folder, fake)
            try:
                extractor.extract(["SecretName"])
            except UserError as error:
                assert "SecretName" not in str(error)
    assert "SecretName" not in caplog.text


def test_a_relationship_of_a_cut_answer_that_leads_nowhere_is_taken_out_and_counted(folder, caplog):
    answer = CANNED_ANSWER.replace('"target":"e2"', '"target":"e9"').removesuffix("]}")
    with serving(lambda _: Answer(answer, "length")) as fake:
        (extraction,) = load(folder, fake).extract([TEXT])
    assert [edge.type for edge in extraction.graph.relationships] == ["ATTACK"]
    assert "{'dangling': 1}" in caplog.text


def test_a_text_that_is_refused_without_our_grammar_is_asked_once(folder):
    with serving(lambda _: Answer(status=422), owned_by="sglang") as fake:
        with pytest.raises(UserError, match="does not take this text .422."):
            load(folder, fake).extract([TEXT])
        assert len(fake.bodies) == 1
