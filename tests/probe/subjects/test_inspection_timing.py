"""Times of short runs, extrapolated: exact where time is a fixed part and a part for each."""

from __future__ import annotations

import pytest

from probe.subjects.inspection import _measuring as measuring


def test_times_are_a_fixed_part_and_a_part_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_seconds", lambda run, n: 0.1 + 0.02 * n)
    found = measuring.timed(lambda n: None, to=1000, sizes=(4, 12), unit="text")
    assert found.seconds == pytest.approx(0.1 + 20.0)
    assert found.each == pytest.approx(0.02)
    assert found.basis == "4 texts took 180 ms, 12 took 340 ms"


def test_a_slow_run_is_made_no_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(measuring, "_seconds", lambda run, n: asked.append(n) or 3.0)
    found = measuring.timed(lambda n: None, to=100, sizes=(4, 12), unit="pair")
    assert asked == [4, 4], "once more, warm, but no more of them"
    assert found.seconds == pytest.approx(75.0)
    assert found.basis == "4 pairs took 3 s"


def test_a_very_slow_first_run_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(measuring, "_seconds", lambda run, n: asked.append(n) or 40.0)
    assert measuring.timed(lambda n: None, to=8, sizes=(4, 12), unit="pair").seconds == 80.0
    assert asked == [4]


def test_where_more_takes_no_longer_an_upper_bound_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "_seconds", lambda run, n: 0.12)
    found = measuring.timed(lambda n: None, to=100, sizes=(4, 12), unit="pair")
    assert found.seconds == pytest.approx(1.0)
    assert found.basis.endswith("at most")
