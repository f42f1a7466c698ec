"""config.yaml says what the class says: every key, every default, every line of advice."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, get_args, get_origin

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from kgtune import config, yaml_file
from kgtune.settings import KEYS, Config

ROOT = Path(__file__).resolve().parent.parent
TEXT = config.SHIPPED_PATH.read_text(encoding="utf-8")
DOCUMENT = yaml_file.parse(TEXT, where="config.yaml")
LINES = TEXT.splitlines()
OPERATIONS = [path for path, key in KEYS.items() if path[0] == "augmentation" and len(path) == 2 and key.is_section]


def plain(value):
    """Write tuples as lists, as YAML has them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def stated():
    return {key: value for key, value in DOCUMENT.values.items() if key != config.PROFILES_KEY}


def paths(tree, prefix=()):
    for key, value in tree.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from paths(value, (*prefix, key))


def test_the_tree_has_the_keys_we_think_it_has():
    assert len(KEYS) == 129
    assert len([key for key in KEYS.values() if not key.is_section]) == 111


def test_config_yaml_states_every_key_in_the_order_of_the_class_and_nothing_else():
    assert list(paths(stated())) == list(KEYS)
    assert DOCUMENT.problems == ()


def test_config_yaml_states_the_defaults():
    assert stated() == plain(Config().model_dump())


def test_any_yaml_reader_of_version_1_2_reads_the_same():
    assert YAML(typ="safe", pure=True).load(TEXT) == DOCUMENT.values


def test_every_key_has_its_docstring_as_its_comment():
    checked = 0
    for path, key in KEYS.items():
        if path[:2] in OPERATIONS and len(path) == 3:
            continue  # enabled and ratio share one line with their operation
        line = LINES[DOCUMENT.lines[path] - 1]
        assert line.partition("  # ")[2] == key.documentation
        checked += 1
    assert checked == len(KEYS) - 2 * len(OPERATIONS) == 119


def test_every_key_is_documented_in_one_line():
    assert len(KEYS) > 0
    for path, key in KEYS.items():
        assert key.documentation.endswith("."), path
        assert "\n" not in key.documentation, path


def test_every_number_has_bounds():
    numbers = list(number_fields(Config))
    assert len(numbers) == 58
    for name, marks in numbers:
        assert marks & {"Ge", "Gt"}, name
        assert marks & {"Le", "Lt"}, name


def number_fields(section):
    """Yield each number's name and its bounds; of a union, those of the member that is a number."""
    for name, field in section.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from ((f"{name}.{inner}", marks) for inner, marks in number_fields(annotation))
        elif annotation in {int, float}:
            yield name, {type(mark).__name__ for mark in field.metadata}
        for member in get_args(annotation):
            if get_origin(member) is Annotated and get_args(member)[0] in {int, float}:
                yield name, {type(mark).__name__ for info in get_args(member)[1:] for mark in info.metadata}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("model.model_id", "qwen/Qwen2.5-7B-Instruct"),
        ("model.max_seq_length", 2048),
        ("model.load_in_4bit", True),
        ("lora.lora_r", 4),
        ("lora.lora_alpha", 4),
        ("lora.lora_dropout", 0.1),
        ("lora.target_modules", ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
        ("training.per_device_train_batch_size", 1),
        ("training.gradient_accumulation_steps", 32),
        ("training.max_steps", 100),
        ("training.learning_rate", 2.0e-4),
        ("training.precision", "auto"),
        ("data.overlength", "refuse"),
        ("decoding.constraint", "full"),
        ("decoding.max_new_tokens", "auto"),
        ("service.host", "127.0.0.1"),
        ("service.port", 8000),
        ("service.timeout_s", 120),
        ("client.base_url", "http://127.0.0.1:8000"),
        ("client.timeout_s", 120),
        ("client.retries", 3),
    ],
)
def test_the_promised_defaults(key, expected):
    section, name = key.split(".")
    assert stated()[section][name] == expected


@pytest.mark.parametrize(
    ("profile", "batch", "accumulation", "lora_r", "lora_alpha", "max_seq_length", "load_in_4bit"),
    [
        ("gpu24", 1, 32, 4, 4, 2048, True),
        ("gpu16", 1, 64, 4, 4, 1536, True),
        ("gpu32", 4, 8, 16, 32, 4096, False),
        ("gpu80", 8, 4, 16, 32, 8192, False),
    ],
)
def test_the_promised_profiles(profile, batch, accumulation, lora_r, lora_alpha, max_seq_length, load_in_4bit):
    cfg = config.load(None, profile).config
    training = (cfg.training.per_device_train_batch_size, cfg.training.gradient_accumulation_steps)
    assert training == (batch, accumulation)
    assert (cfg.lora.lora_r, cfg.lora.lora_alpha) == (lora_r, lora_alpha)
    assert (cfg.model.max_seq_length, cfg.model.load_in_4bit) == (max_seq_length, load_in_4bit)


def test_every_shipped_profile_loads():
    names = list(DOCUMENT.values[config.PROFILES_KEY])
    assert names == ["gpu24", "gpu16", "gpu32", "gpu80", "demo"]
    for name in names:
        assert config.load(None, name).profile == name


def test_gpu24_is_exactly_the_defaults():
    assert config.load(None, "gpu24").config == Config()


def test_the_demo_writes_only_below_its_own_folder():
    cfg = config.load(None, "demo").config
    own = Path("fine_tune_output/demo")
    assert Path(cfg.output.dir) == own
    assert Path(cfg.data.training_data).is_relative_to(own)
    assert str(cfg.data.input).startswith("kgtune/demo/")
    assert cfg.prompt.guidelines == "brief"


def attributes_read():
    """Return the names that the package and the scripts read off any object, the settings' own module aside."""
    files = [*ROOT.glob("*.py"), *(path for path in (ROOT / "kgtune").rglob("*.py") if path.name != "settings.py")]
    assert len(files) > 200
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return names | {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_key_is_read_somewhere():
    """C7: a key that nobody reads is accepted and does nothing."""
    read = attributes_read()
    leaves = [path for path, key in KEYS.items() if not key.is_section]
    assert len(leaves) == 111
    assert [".".join(path) for path in leaves if path[-1] not in read] == []
