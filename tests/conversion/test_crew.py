from __future__ import annotations

import os
from pathlib import Path

import pytest

from kgtune.conversion.crew import Crew, number_of


def times(factor: int, number: int) -> tuple[int, int]:
    return factor * number, os.getpid()


def fail(_: None, number: int) -> int:
    raise ValueError(f"number {number}")


def test_one_process_does_the_work_itself_and_only_as_it_is_asked_for(tmp_path: Path) -> None:
    asked = []

    def work():
        for number in range(5):
            asked.append(number)
            yield number

    with Crew(1, tmp_path) as crew:
        results = crew.map(times, 3, work())
        assert next(results) == (0, os.getpid())
        assert asked == [0]
        assert [value for value, _ in results] == [3, 6, 9, 12]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_several_processes_give_the_same_results_in_the_same_order(tmp_path: Path) -> None:
    with Crew(2, tmp_path) as crew:
        results = list(crew.map(times, 3, range(40)))
        others = list(crew.map(times, 5, range(3)))
    assert [value for value, _ in results] == [3 * number for number in range(40)]
    assert [value for value, _ in others] == [0, 5, 10]
    assert os.getpid() not in {pid for _, pid in results}


@pytest.mark.slow
def test_work_is_not_taken_up_faster_than_it_is_done(tmp_path: Path) -> None:
    asked = []

    def work():
        for number in range(100):
            asked.append(number)
            yield number

    with Crew(2, tmp_path) as crew:
        next(crew.map(times, 1, work()))
        assert len(asked) <= 7


@pytest.mark.slow
def test_what_goes_wrong_in_a_process_goes_wrong_here(tmp_path: Path) -> None:
    with Crew(2, tmp_path) as crew, pytest.raises(ValueError, match="number 0"):
        list(crew.map(fail, None, range(3)))


def test_auto_asks_for_the_cores_this_process_may_use() -> None:
    assert 1 <= number_of("auto") <= 8
    assert number_of(5) == 5
