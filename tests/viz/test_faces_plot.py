"""Sheets of pictures, by what was drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from data.faces import render_faces
from data.records import LabelledImages
from viz.faces import plot_regions, plot_sheet
from viz.style import describe


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


def drawn(image: object) -> np.ndarray:
    """The pixels of an image of an Axes."""
    return np.asarray(image.get_array())  # type: ignore[attr-defined]


def test_a_sheet_shows_each_picture_once_in_its_order() -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (5, 3, 4, 4))
    ax = plot_sheet(images, columns=3, captions=list("abcde"), heading="Samples")
    assert len(ax.images) == 5
    for image, given in zip(ax.images, images, strict=True):
        assert np.allclose(drawn(image), (given.transpose(1, 2, 0) + 1) / 2)
    corners = [image.get_extent()[0::3] for image in ax.images]  # left, top
    assert [round(left, 2) for left, _ in corners] == [0.0, 1.06, 2.12, 0.0, 1.06]
    assert corners[0][1] < corners[3][1] == corners[4][1]
    assert [text.get_text() for text in ax.texts] == list("abcde")
    assert ax.get_title(loc="left") == "Samples"
    assert describe(ax) == "Samples: 5 of 4 x 4 pixels, 3 in a row."


def test_grey_pictures_are_grey_and_values_outside_are_the_nearest_within() -> None:
    images = torch.tensor([-3.0, 0.0, 3.0]).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    ax = plot_sheet(images.clone().requires_grad_())
    assert [drawn(image)[0, 0].tolist() for image in ax.images] == [[0] * 3, [0.5] * 3, [1] * 3]
    assert not ax.texts


def test_records_are_drawn_and_labels_written() -> None:
    record = LabelledImages(np.zeros((2, 1, 3, 3)), [1, 0], ("$a", "b"))
    assert [text.get_text() for text in plot_sheet(record).texts] == ["b", r"\$a"]
    assert len(plot_sheet(render_faces(2)).images) == 2


def test_a_given_axes_is_used() -> None:
    _, given = plt.subplots()
    assert plot_sheet(np.zeros((1, 3, 2, 2)), given) is given


def test_regions_keep_the_colours_of_their_pixels_only() -> None:
    faces = render_faces(2)
    panels = plot_regions(faces, index=1)
    assert len(panels) == 8
    face = drawn(panels[0].images[0])
    assert np.allclose(face, (faces.images[1].transpose(1, 2, 0) + 1) / 2)
    for panel, (name, masks) in zip(panels[1:], faces.regions.items(), strict=True):
        assert panel.get_title(loc="left") == name
        shown = drawn(panel.images[0])
        assert np.allclose(shown[masks[1]], face[masks[1]])
        assert (shown[~masks[1]] >= 0.75 - 1e-9).all()
        assert describe(panel) == f"{name}: {masks[1].sum()} of 1024 pixels."


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: plot_sheet(np.zeros((2, 4, 4))), ValueError, r"none empty; got shape \(2, 4, 4\)"),
        (lambda: plot_sheet(np.zeros((0, 1, 4, 4))), ValueError, r"got shape \(0, 1, 4, 4\)"),
        (lambda: plot_sheet(np.full((1, 1, 2, 2), np.nan)), ValueError, "`images` must be finite"),
        (lambda: plot_sheet(np.zeros((1, 1, 2, 2)), columns=0), ValueError, "`columns` must be at"),
        (
            lambda: plot_sheet(np.zeros((2, 1, 2, 2)), captions=["a"]),
            ValueError,
            "`captions` must hold one for each of 2 pictures; got 1",
        ),
        (lambda: plot_regions(render_faces(1), index=1), ValueError, "`index` must be between 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error, text) -> None:
    with pytest.raises(error, match=text):
        call()
