"""What a picture drew, as numbers, and the check that it left nothing behind."""

from collections.abc import Iterator

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    plt.close("all")
    assert mpl.rcParams == before


def lines(ax: Axes) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_ydata()) for line in ax.get_lines()}


def bars(ax: Axes) -> list[list[list[float]]]:
    """Low and high end of every interval, in the order drawn."""
    segments = [c.get_segments() for c in ax.collections if hasattr(c, "get_segments")]
    return [[np.array(s)[:, 1].tolist() for s in group] for group in segments]
