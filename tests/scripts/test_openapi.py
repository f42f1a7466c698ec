"""Requests made up from the OpenAPI document: none gets a 5xx or an answer that the document does not promise.

A short run each time; for a long one:

    KGTUNE_OPENAPI_CASES=5000 python -m pytest -q -s tests/scripts/test_openapi.py
"""

import os
import re
import subprocess
import sys

import pytest

from tests.scripts.test_serve import ask, serving
from tests.scripts.test_serve_faults import Server

pytestmark = [pytest.mark.scripts, pytest.mark.slow]

NUM_CASES = int(os.environ.get("KGTUNE_OPENAPI_CASES", "60"))
NUM_WITH_BODY = 4  # operations whose requests can be varied without end
LIMIT_S = 600 + NUM_CASES
# An allow-list must name what the model's ontology has, and that the document can't know.
UNKNOWABLE = "positive_data_acceptance"


def test_the_service_keeps_what_its_openapi_document_promises(tmp_path):
    """All checks of schemathesis: statuses, media types, schemas and headers as documented, faulty data refused."""
    per_operation = -(-NUM_CASES // NUM_WITH_BODY)
    with serving("serve.py", "--scripted", "--port", "0") as (process, port, _):
        Server(process, port)  # reads what the process says: a full pipe would stop it
        while ask(port, "GET", "/api/health")[0] != 200:
            pass
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json"]
        command += ["--phases", "coverage,fuzzing", "--checks", "all", "--exclude-checks", UNKNOWABLE]
        command += ["--max-examples", str(per_operation), "--no-color", "--seed", "1", "--continue-on-failure"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        sys.stdout.write(run.stdout[-1500:])
        assert run.returncode == 0, run.stdout[-10_000:]
        assert process.poll() is None
        assert ask(port, "GET", "/api/health")[0] == 200
    generated = re.search(r"([\d,]+) generated, \1 passed", run.stdout)
    assert generated is not None, run.stdout[-2000:]
    assert int(generated[1].replace(",", "")) >= NUM_CASES
