"""How many processes there really are; the launches themselves are run in tests/scripts/test_several_processes.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kgtune.errors import UserError
from kgtune.evaluation import evaluation
from kgtune.training import processes

pytestmark = pytest.mark.tiny


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "ACCELERATE_MIXED_PRECISION", "ACCELERATE_USE_FSDP"):
        monkeypatch.delenv(name, raising=False)


def test_one_process_is_one_and_has_everything():
    assert processes.join("auto") == processes.join(1) == processes.number() == 1
    assert processes.share([1, 2, 3]) == [1, 2, 3]
    assert processes.parts("mine") == ["mine"]


def test_fewer_than_asked_for_stop():
    with pytest.raises(UserError, match="C16-PROCESSES: training.num_processes=4, and 1 run.*nproc_per_node 4"):
        processes.join(4)


def test_a_launch_by_accelerate_that_became_one_process_stops_unless_one_was_asked_for(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")

    with pytest.raises(UserError, match="C16-PROCESSES: accelerate launched this"):
        processes.join("auto")
    assert processes.join(1) == 1


def test_sharding_that_is_none_stops(monkeypatch):
    def trainer(*, is_fsdp_enabled):
        state = SimpleNamespace(distributed_type="MULTI_CPU")
        return SimpleNamespace(is_fsdp_enabled=is_fsdp_enabled, args=SimpleNamespace(distributed_state=state))

    processes.check_sharded(trainer(is_fsdp_enabled=False))  # nobody asked for it
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    processes.check_sharded(trainer(is_fsdp_enabled=True))
    with pytest.raises(UserError, match="C14-NOT-SHARDED: .*MULTI_CPU"):
        processes.check_sharded(trainer(is_fsdp_enabled=False))


def test_shares_join_in_the_order_of_the_documents():
    items = list(range(7))
    shares = [evaluation.Measured(tuple(items[rank::3]), 1.0 + rank, 10, 1) for rank in range(3)]
    whole = evaluation.joined(shares)

    assert whole.judged == tuple(items)
    assert (whole.seconds, whole.num_prompt_tokens, whole.num_answer_tokens) == (3.0, 30, 3)
