"""Where models come from: folders, hubs, mirrors; what is said offline, and what is refused before it can do harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kgtune import hub
from kgtune.errors import ModelError

REPOSITORY = Path(__file__).resolve().parent.parent


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert hub.resolve(str(tmp_path), weights=False) == tmp_path


def test_what_is_neither_folder_nor_hub_id_is_refused() -> None:
    with pytest.raises(ModelError, match="no such folder, and no hub id"):
        hub.resolve("./models/missing")


def test_offline_says_what_to_download_and_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(model_id: str, patterns: list[str]) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(hub, "_DOWNLOADS", {"huggingface": offline, "modelscope": offline})

    with pytest.raises(ModelError) as caught:
        hub.resolve("qwen/Qwen2.5-7B-Instruct")
    text = str(caught.value)
    assert "huggingface: ConnectionError: no route; modelscope: ConnectionError: no route" in text
    assert "hf download Qwen/Qwen2.5-7B-Instruct --local-dir models/Qwen2.5-7B-Instruct" in text


def test_the_second_hub_is_asked_when_the_first_does_not_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def missing(model_id: str, patterns: list[str]) -> str:
        asked.append(f"huggingface {model_id}")
        raise LookupError(model_id)

    def found(model_id: str, patterns: list[str]) -> str:
        asked.append(f"modelscope {model_id} {'*.safetensors' in patterns}")
        return "/cache/it"

    monkeypatch.setattr(hub, "_DOWNLOADS", {"huggingface": missing, "modelscope": found})

    assert hub.resolve("qwen/Qwen2.5-7B-Instruct", weights=False) == Path("/cache/it")
    assert asked == ["huggingface qwen/Qwen2.5-7B-Instruct", "modelscope qwen/Qwen2.5-7B-Instruct False"]


def test_the_old_spelling_is_huggingfaces_new_one() -> None:
    assert hub.hugging_face_id("qwen/Qwen2.5-7B-Instruct") == "Qwen/Qwen2.5-7B-Instruct"
    assert hub.hugging_face_id("Qwen/Qwen2.5-7B-Instruct") == "Qwen/Qwen2.5-7B-Instruct"
    assert hub.hugging_face_id("org/qwen") == "org/qwen"


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")

    with pytest.raises(ModelError, match=r"pytorch_model.bin are pickled weights"):
        hub.resolve(str(tmp_path))


def test_a_model_that_was_brought_by_hand_is_found_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    brought = Path("models/Qwen2.5-7B-Instruct")
    brought.mkdir(parents=True)
    (brought / "model.safetensors").write_bytes(b"")

    assert hub.resolve("qwen/Qwen2.5-7B-Instruct") == brought


def test_a_folder_without_weights_is_named_with_what_to_bring(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    with pytest.raises(ModelError, match=r"holds no weights \(\*\.safetensors\)\. Bring them there: hf download"):
        hub.resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["pytorch_model-00001-of-00002.bin", "adapter_model.bin", "model.pt", "model.ckpt"])
def test_every_kind_of_pickled_weights_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")

    with pytest.raises(ModelError, match=f"{name} are pickled weights"):
        hub.resolve(str(tmp_path), weights=False)


def test_pickles_beside_safetensors_are_left_unread(tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).write_bytes(b"")

    assert hub.resolve(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("pickled", "safe"),
    [("adapter_model.bin", "model.safetensors"), ("pytorch_model.bin", "adapter_model.safetensors")],
)
def test_safe_weights_of_another_kind_do_not_let_pickles_pass(tmp_path: Path, pickled: str, safe: str) -> None:
    for name in (pickled, safe):
        (tmp_path / name).write_bytes(b"")

    with pytest.raises(ModelError, match=f"{pickled} are pickled weights"):
        hub.refuse_pickles(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(json.dumps({"auto_map": {"AutoModel": "modeling_mine.Mine"}}), encoding="utf-8")

    with pytest.raises(ModelError, match=rf"{name}: auto_map asks for code .*AutoModel.*trust_remote_code=False"):
        hub.resolve(str(tmp_path), weights=False)


def test_a_torn_config_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")

    with pytest.raises(ModelError, match=r"config.json: can't be read .* Check that the download is complete"):
        hub.resolve(str(tmp_path), weights=False)


def test_a_client_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(ModelError, match=r"modelscope: its client isn't installed \(pip install modelscope\)"):
        hub.resolve("qwen/Nothing", "modelscope")


FILES = {"config.json": b'{"model_type": "qwen2"}', "model.safetensors": b"weights", "pytorch_model.bin": b"pickle"}


class Mirror(BaseHTTPRequestHandler):
    """As much of a hub as a download of a snapshot takes."""

    asked: list[str]

    def __init__(self, asked: list[str], *args: object) -> None:
        self.asked = asked
        super().__init__(*args)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.asked.append(self.path)
        name = self.path.partition("?")[0].rpartition("/")[2]
        body = FILES.get(name)
        if "/api/models/" in self.path:
            found = [{"rfilename": file, "size": len(data)} for file, data in FILES.items()]
            tree = [{"type": "file", "path": f, "size": len(d), "oid": "0" * 40} for f, d in FILES.items()]
            told = tree if "/tree/" in self.path else {"id": "Mine/Small", "sha": "a" * 40, "siblings": found}
            body = json.dumps(told).encode()
        self.send_response(200 if body is not None else 404)
        body = body or b""
        for key, value in (("Content-Length", len(body)), ("ETag", f'"{name}"'), ("X-Repo-Commit", "a" * 40)):
            self.send_header(key, str(value))
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@pytest.fixture
def mirror() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Mirror, asked))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def ask(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from kgtune import hub; print(hub.resolve('Mine/Small', 'huggingface'))"
    env = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1", **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False
    )


def test_a_mirror_is_asked_in_the_hubs_place_and_pickles_are_left_there(
    tmp_path: Path, mirror: tuple[str, list[str]]
) -> None:
    address, asked = mirror
    done = ask(tmp_path, HF_ENDPOINT=address)

    folder = Path(done.stdout.strip())
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        name: data for name, data in FILES.items() if name != "pytorch_model.bin"
    }
    assert asked


def test_a_mirror_that_is_down_is_named(tmp_path: Path) -> None:
    done = ask(tmp_path, HF_ENDPOINT="http://127.0.0.1:9")

    assert "model.model_id=Mine/Small: no hub gave it (huggingface at http://127.0.0.1:9: " in done.stderr
    assert "copy that folder to models/Small here" in done.stderr
