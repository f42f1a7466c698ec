"""inference.py and serve.py with `--backend openai`, as processes, before a server of the documented shape."""

import json
import subprocess
import sys

import pytest

from kgtune import graph as graphs
from kgtune import model_folder, ontology
from kgtune.extraction.extractor import CANNED_ANSWER
from kgtune.prompt import Contract
from tests.fake_openai import Answer
from tests.fake_openai import serving as serving_fake
from tests.scripts.test_serve import ask, serving

pytestmark = pytest.mark.scripts

LIMIT_S = 60.0
TEXT = "GlassViper used NightLoom against Northwind Bank."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path, known = tmp_path_factory.mktemp("model"), ontology.load("threat_event")
    names = dict.fromkeys(known.label_names, 1.0)
    contract = Contract("base", "Knowledge graph as JSON.", "brief", known.hash, "probe", 200, verbatim_evidence=1.0, verbatim_names=names)  # fmt: skip
    model_folder.save_contract(path, contract, known)
    return path


def options(folder, fake):
    return ["--model", str(folder), "--backend", "openai", "--base-url", fake.base_url, "openai.retries=0"]


def inference(*arguments, env=None):
    command = [sys.executable, "inference.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


@pytest.mark.parametrize("format_", ["json", "stix"])
def test_inference_asks_the_server_and_writes_the_graph(folder, format_):
    with serving_fake(lambda _: Answer(CANNED_ANSWER)) as fake:
        done = inference("--text", TEXT, "--format", format_, *options(folder, fake))
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    names = [one["name"] for one in value.get("entities", value.get("objects", [])) if "name" in one]
    assert names == ["GlassViper", "NightLoom", "Northwind Bank"]
    assert fake.bodies[0]["messages"][1]["content"] == TEXT


def test_a_model_behind_a_server_needs_no_library_of_this_machine(folder):
    without = (
        "import sys, runpy; sys.modules.update(torch=None, transformers=None, peft=None); sys.argv = sys.argv[1:]; "
    )
    code = without + "runpy.run_path(sys.argv[0], run_name='__main__')"
    with serving_fake(lambda _: Answer(CANNED_ANSWER)) as fake:
        command = [sys.executable, "-c", code, "inference.py", "--text", TEXT, *options(folder, fake)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert [entity["name"] for entity in json.loads(done.stdout)["entities"]] == [
        "GlassViper",
        "NightLoom",
        "Northwind Bank",
    ]


def test_a_missing_model_ends_inference_with_2_and_the_names_of_others(folder):
    with serving_fake(models=("base",)) as fake:
        done = inference("--text", TEXT, *options(folder, fake))
    assert (done.returncode, done.stdout) == (2, "")
    assert 'does not serve a model "kg". It lists: base.' in done.stderr


def test_a_server_that_is_away_ends_inference_with_2(folder):
    with serving_fake() as fake:
        pass
    done = inference("--text", TEXT, *options(folder, fake))
    assert done.returncode == 2
    assert "Check openai.base_url, and that the server runs there." in done.stderr


def test_serve_answers_through_the_server_and_maps_its_failures(folder):
    statuses = {"fail": 500, "busy": 503}

    def answer(body):
        text = body["messages"][1]["content"]
        return Answer(status=statuses[text]) if text in statuses else Answer(CANNED_ANSWER)

    with serving_fake(answer) as fake, serving("serve.py", "--port", "0", *options(folder, fake)) as (_, port, _lines):
        while ask(port, "GET", "/api/health")[0] == 503:
            pass
        status, value = ask(port, "POST", "/api/kg-extract", json.dumps({"text": TEXT}).encode())
        assert (status, [one["name"] for one in value["entities"]]) == (
            200,
            ["GlassViper", "NightLoom", "Northwind Bank"],
        )
        for text, expected in {"fail": 502, "busy": 503}.items():
            status, value = ask(port, "POST", "/api/kg-extract", json.dumps({"text": text}).encode())
            assert (status, list(value)) == (expected, ["error"])
            assert fake.base_url not in value["error"]
        assert graphs.from_object(
            ask(port, "POST", "/api/kg-extract", json.dumps({"text": TEXT, "labels": ["Tool"]}).encode())[1]
        )[0]


def test_serve_does_not_start_without_the_model(folder):
    with serving_fake(models=("base",)) as fake:
        command = [sys.executable, "serve.py", "--port", "0", *options(folder, fake)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 2
    assert 'does not serve a model "kg"' in done.stderr
