"""What every test of this folder leaves behind: nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from probe.subjects.attention_visibility import _HELD


@pytest.fixture(autouse=True)
def everything_is_put_back() -> Iterator[None]:
    assert torch.backends.mha.get_fastpath_enabled()
    yield
    assert torch.backends.mha.get_fastpath_enabled()
    assert _HELD == {}
