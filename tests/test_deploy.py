"""What deploy/ ships is read by the programs that it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.tiny
ACCELERATE = Path(__file__).resolve().parents[1] / "deploy" / "accelerate"


def test_accelerate_reads_the_sharding_configuration_and_turns_sharding_on():
    from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file

    [path] = ACCELERATE.glob("*.yaml")
    read = load_config_from_file(str(path))

    assert isinstance(read, ClusterConfig)
    assert read.distributed_type.value == "FSDP"
    assert read.num_processes == 2
    assert read.fsdp_config["fsdp_sharding_strategy"] == "FULL_SHARD"
    assert read.fsdp_config["fsdp_use_orig_params"] is False


def test_a_launch_by_it_asks_the_run_for_sharding_so_that_a_fall_back_is_found(monkeypatch):
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils.launch import prepare_multi_gpu_env

    path = ACCELERATE / "fsdp_qlora.yaml"
    args = launch_command_parser().parse_args(["--config_file", str(path), "--use_fsdp", "fine_tune.py"])
    args, _, _ = _validate_launch_command(args)
    environment = prepare_multi_gpu_env(args)

    assert environment["ACCELERATE_USE_FSDP"] == "true"
    assert environment["FSDP_USE_ORIG_PARAMS"] == "false"


def test_it_says_that_it_was_not_run_on_several_cards():
    assert "NOT RUN on several GPUs" in (ACCELERATE / "fsdp_qlora.yaml").read_text(encoding="utf-8")
