"""Configuration: what is read, what wins, and how a mistake is told."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from kgtune import config
from kgtune.errors import ConfigError
from kgtune.settings import KEYS, Config, Operation


@pytest.fixture
def written(tmp_path):
    """Write a configuration file and return its path."""

    def write(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def refused(path=None, profile=None, overrides=()):
    with pytest.raises(ConfigError) as caught:
        config.load(path, profile, overrides)
    return str(caught.value)


# what is read


@pytest.mark.parametrize("spelling", ["2e-4", "2.0e-4", "0.0002", "2E-4", "+2.0e-04"])
def test_every_spelling_of_a_learning_rate_is_one_number(written, spelling):
    from_file = config.load(written(f"training:\n  learning_rate: {spelling}\n"))
    from_command_line = config.load(None, None, [f"training.learning_rate={spelling}"])
    assert from_file.config.training.learning_rate == 0.0002
    assert from_command_line.config.training.learning_rate == 0.0002


def test_a_file_may_state_only_what_differs(written):
    resolved = config.load(written("training: {max_steps: 50}\n"))
    assert resolved.config.training.max_steps == 50
    assert resolved.config.training.learning_rate == Config().training.learning_rate


def test_an_empty_file_and_an_empty_section_mean_the_defaults(written):
    assert config.load(written("")).config == Config()
    assert config.load(written("lora:\ntraining:\n")).config == Config()


def test_a_file_with_a_byte_order_mark_is_read(written):
    assert config.load(written("\ufefftraining: {max_steps: 7}\n")).config.training.max_steps == 7


def test_a_list_replaces_the_default_list():
    resolved = config.load(None, None, ["lora.target_modules=[q_proj, v_proj]"])
    assert resolved.config.lora.target_modules == ("q_proj", "v_proj")


def test_the_configuration_cannot_be_changed_after_loading():
    with pytest.raises(ValueError, match="frozen"):
        config.load().config.training.max_steps = 5  # type: ignore[misc]


# overrides


@pytest.mark.parametrize(
    ("override", "section", "key", "expected"),
    [
        ("model.model_id=org/name", "model", "model_id", "org/name"),
        ("model.model_id=1234", "model", "model_id", "1234"),
        ("data.input=a=b: [c.json", "data", "input", "a=b: [c.json"),
        ("data.input=null", "data", "input", None),
        ("data.input=", "data", "input", None),
        ("model.load_in_4bit=false", "model", "load_in_4bit", False),
        ("decoding.max_new_tokens=512", "decoding", "max_new_tokens", 512),
        ("decoding.max_new_tokens=auto", "decoding", "max_new_tokens", "auto"),
        ("service.chat_prefix=no", "service", "chat_prefix", "no"),
        ("service.chat_prefix= {text}: ", "service", "chat_prefix", " {text}: "),
    ],
)
def test_an_override_is_split_at_the_first_equals_and_read_by_its_key(override, section, key, expected):
    resolved = config.load(None, None, [override])
    assert getattr(getattr(resolved.config, section), key) == expected


def test_an_augmentation_can_be_switched_off_from_the_command_line():
    resolved = config.load(None, None, ["augmentation.order.enabled=false"])
    assert resolved.config.augmentation.order == Operation(enabled=False, ratio=0.15)


def test_overrides_stand_anywhere_and_the_rest_is_left_in_order():
    argv = ["a.json", "--dry-run", "training.max_steps=3", "ontology=stix21", "-o", "out", "lora.lora_r=8"]
    overrides, rest = config.split_overrides(argv)
    assert overrides == ["training.max_steps=3", "ontology=stix21", "lora.lora_r=8"]
    assert rest == ["a.json", "--dry-run", "-o", "out"]


def test_the_value_of_an_option_is_no_override():
    argv = ["--text", "a=b", "-o", "x=y.json", "--text=max_steps=3", "--", "training.max_steps=3"]
    assert config.split_overrides(argv) == ([], argv)


def test_a_mistyped_override_is_not_taken_for_a_file():
    overrides, rest = config.split_overrides(["max_steps=3", "--dry-run", "trainign.max_steps=3"])
    assert (overrides, rest) == (["max_steps=3", "trainign.max_steps=3"], ["--dry-run"])


# origins


def test_the_command_line_wins_over_the_profile_and_the_profile_over_the_file(written):
    path = written(
        "training: {max_steps: 1, seed: 1, save_steps: 1}\nprofiles: {p: {training: {max_steps: 2, seed: 2}}}\n"
    )
    resolved = config.load(path, "p", ["training.max_steps=3"])
    training = resolved.config.training
    assert (training.max_steps, training.seed, training.save_steps) == (3, 2, 1)
    names = [resolved.origins[f"training.{key}"] for key in ("max_steps", "seed", "save_steps", "logging_steps")]
    assert names == ["command line", "profile p", "mine.yaml", "default"]


def test_origins_name_every_key_that_has_a_value():
    assert set(config.load().origins) == {".".join(map(str, path)) for path, key in KEYS.items() if not key.is_section}


def test_the_hash_depends_on_values_and_not_on_their_origin(written):
    plain = config.config_hash(config.load().config)
    assert config.config_hash(config.load(written("training: {learning_rate: 0.0002}\n")).config) == plain
    assert config.config_hash(config.load(None, None, ["training.seed=43"]).config) != plain


# profiles


def test_no_flag_means_gpu24():
    assert config.load().profile == "gpu24"
    assert config.load().config == config.load(None, "gpu24").config


def test_shipped_profiles_overlay_a_users_own_file(written):
    resolved = config.load(written("training: {seed: 7}\n"), "gpu32")
    assert (resolved.config.training.seed, resolved.config.lora.lora_r) == (7, 16)


def test_a_users_profile_replaces_the_shipped_one_of_that_name(written):
    resolved = config.load(written("profiles: {gpu32: {lora: {lora_r: 9}}}\n"), "gpu32")
    assert (resolved.config.lora.lora_r, resolved.config.model.max_seq_length) == (9, 2048)


@pytest.mark.parametrize(
    ("memory_gib", "expected"),
    [(None, "demo"), (8, "gpu16"), (15.9, "gpu16"), (22.5, "gpu24"), (31.7, "gpu32"), (47, "gpu32"), (79, "gpu80")],
)
def test_auto_chooses_by_the_cards_memory(monkeypatch, memory_gib, expected):
    monkeypatch.setattr(config, "card_memory_gib", lambda: memory_gib)
    assert config.load(None, "auto").profile == expected


def test_auto_without_torch_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert refused(None, "auto") == (
        "--profile auto: asks torch about the card, and torch is not installed. "
        "Install the train group of requirements.txt, or name a profile."
    )


def test_an_unknown_profile_suggests_the_nearest():
    assert refused(None, "gpu_24") == (
        '--profile: there is no profile "gpu_24". Did you mean "gpu24"? Profiles stand at the end of config.yaml.'
    )


def test_a_mistake_in_an_unused_profile_is_found(written):
    path = written("profiles:\n  p:\n    training:\n      max_step: 5\n")
    assert (
        refused(path)
        == f'C7-UNKNOWN-KEY: {path}:4: there is no key "training.max_step". Did you mean training.max_steps?'
    )


def test_auto_is_no_name_for_a_profile(written):
    path = written("profiles: {auto: {}}\n")
    assert 'can\'t be named "auto"' in refused(path)


@pytest.mark.parametrize("text", ["profiles: 3\n", "profiles: {p: [1]}\n"])
def test_profiles_that_are_no_mappings_are_told(written, text):
    assert "no mapping" in refused(written(text))


# mistakes


def test_an_unknown_key_names_file_line_and_nearest_key(written):
    path = written("model:\n  model_id: a\n\ntraining:\n  max_step: 5\n")
    assert (
        refused(path)
        == f'C7-UNKNOWN-KEY: {path}:5: there is no key "training.max_step". Did you mean training.max_steps?'
    )


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("max_steps", "Did you mean training.max_steps?"),
        ("traning.max_steps", "Did you mean training.max_steps?"),
        ("batch_size", "Did you mean evaluation.batch_size or decoding.batch_size?"),
        ("model.lora_r", "Did you mean lora.lora_r?"),
        ("lora.rank_of_nothing", "config.yaml states every key there is."),
        ("augmentation.synonyms.ratios", "Did you mean augmentation.synonyms.ratio?"),
    ],
)
def test_an_unknown_override_suggests_the_key_that_was_meant(key, suggestion):
    assert refused(overrides=[f"{key}=1"]).endswith(suggestion)


def test_a_duplicate_key_names_both_lines(written):
    path = written("training:\n  max_steps: 5\n  seed: 1\n  max_steps: 6\n")
    assert refused(path) == (
        f'{path}:4: "training.max_steps" stands here a second time, first in line 2. Keep one of the two.'
    )


def test_a_value_out_of_bounds_shows_value_bound_and_advice():
    assert refused(overrides=["training.max_steps=0"]) == (
        "command line: training.max_steps is 0; it should be greater than or equal to 1. "
        "What it is: Updates; 50-200, by data size and effect."
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("training: {max_steps: '5'}", 'training.max_steps is "5"; it should be a valid integer.'),
        ("training: {max_steps: 5.5}", "training.max_steps is 5.5; it should be a valid integer"),
        ("training: {max_steps: true}", "training.max_steps is true; it should be a valid integer."),
        ("training: {learning_rate: .nan}", "training.learning_rate is NaN; it should be a finite number"),
        ("model: {load_in_4bit: no}", 'model.load_in_4bit is "no"; it should be a valid boolean.'),
        ("model: {load_in_4bit: 1}", "model.load_in_4bit is 1; it should be a valid boolean."),
        ("model: {model_id: 5}", "model.model_id is 5; it should be a valid string."),
        ("model: {model_id: ' '}", 'model.model_id is " "; it should match pattern'),
        ("training: {precision: bf17}", "it should be 'auto', 'bf16', 'fp16' or 'fp32'."),
        ("decoding: {max_new_tokens: 0}", "it should be greater than or equal to 1, or should be 'auto'."),
        ("lora: {target_modules: q_proj}", 'lora.target_modules is "q_proj"; it should be a valid tuple.'),
        ("lora: {target_modules: [q_proj, 5]}", "lora.target_modules is 5; it should be a valid string."),
        ("training: 5", "training is 5, not a section. Write its keys below it."),
        ("augmentation: {order: 0.5}", "augmentation.order is 0.5, not a section."),
        ("client: {base_url: '127.0.0.1:8000'}", "it should match pattern"),
        ("data: {when: 2024-01-01}", 'there is no key "data.when".'),
        ("data: {input: 2024-01-01}", 'data.input is "2024-01-01"; it should be a valid string.'),
        ("1: 2", 'the key 1 is not text. Write it in quotes: "1".'),
    ],
)
def test_a_wrong_value_is_told_with_key_and_value(written, text, told):
    path = written(text + "\n")
    message = refused(path)
    assert told in message
    assert message.removeprefix("C7-UNKNOWN-KEY: ").startswith(f"{path}:1: ") or f"\n{path}:1: " in message


def test_shares_that_leave_no_train_rows_are_refused():
    assert refused(overrides=["data.test_ratio=0.9"]) == (
        "command line: data: validation_ratio 0.1 and test_ratio 0.9 leave no train rows; "
        "their sum must stay below 1. Lower one of them."
    )


def test_all_problems_are_told_together(written):
    path = written("training:\n  max_step: 5\n  seed: -1\nmodel: {hub: github}\n")
    message = refused(path, "gpu99", ["foo.bar=1"])
    assert message.splitlines()[0] == "5 problems in the configuration:"
    assert len(message.splitlines()) == 6


@pytest.mark.parametrize(("text", "kind"), [("- a\n- b\n", "a list"), ("just words\n", "a single value")])
def test_a_root_that_is_no_mapping_is_refused_by_name(written, text, kind):
    path = written(text)
    assert refused(path) == f'{path}: the root is {kind}, not a mapping. Write "key: value" lines.'


def test_a_file_that_is_not_yaml_names_the_line(written):
    path = written("training:\n  max_steps: 5\n bad: [\n")
    assert refused(path).startswith(f"{path}:3: is not YAML: ")


def test_a_missing_file_is_told_by_name(tmp_path):
    path = tmp_path / "none.yaml"
    assert refused(str(path)) == f"{path}: can't be read: No such file or directory. Give the path of a YAML file."


def test_a_file_in_another_encoding_is_told(tmp_path):
    path = tmp_path / "gbk.yaml"
    path.write_bytes("# 中文\n".encode("gbk"))
    assert refused(str(path)) == f"{path}: is not UTF-8 text (byte 2). Save the file as UTF-8."


def test_an_alias_that_holds_itself_ends(written):
    assert "nested more than" in refused(written("model: &a\n  model_id: *a\n"))


def test_a_word_without_equals_is_no_override():
    assert "is no override. Write key=value" in refused(overrides=["training.max_steps"])


# scripts


def test_help_names_the_flags_and_the_overrides():
    parser = argparse.ArgumentParser()
    config.add_arguments(parser)
    text = parser.format_help()
    assert all(word in text for word in ("--config PATH", "--profile NAME", "training.max_steps=20"))
    parsed = parser.parse_args(["--config", "x.yaml", "--profile", "gpu16"])
    assert (parsed.config, parsed.profile) == ("x.yaml", "gpu16")


def test_loading_the_configuration_loads_no_heavy_library():
    code = (
        "import sys; from kgtune import config, ontology; config.load(); ontology.load('stix21');"
        "print(sorted({'torch', 'transformers', 'numpy', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("argument", "hint"),
    [
        ("max_steps=5", "Did you mean training.max_steps=5?"),
        ("--training.max_step=5", "Did you mean training.max_steps=5?"),
        ("seed=1", "Did you mean training.seed=1 or data.seed=1?"),
        ("training.max_steps", "Did you mean training.max_steps=VALUE?"),
        ("nowhere.txt", "unrecognized arguments: nowhere.txt\n"),
    ],
)
def test_an_argument_that_nobody_knows_is_answered_with_the_key_it_may_be(argument, hint, capsys):
    parser = argparse.ArgumentParser()
    config.add_arguments(parser)
    with pytest.raises(SystemExit) as caught:
        parser.parse_args([argument])
    assert caught.value.code == 2
    assert hint in capsys.readouterr().err
