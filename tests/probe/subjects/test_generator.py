"""The small generators: their layers against the papers' equations, and what they promise."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from data.faces import face_oracle
from probe.subjects.generator import (
    ConvGenerator,
    ConvVae,
    Generator,
    ImageDiscriminator,
    StyleGenerator,
    generator_model,
    generator_of,
)
from probe.subjects.generator_layers import EqualConv, EqualLinear, ModulatedConv


def style() -> StyleGenerator:
    """A tiny generator with w+."""
    return StyleGenerator(dim=6, size=16, widths=(8, 6, 4))


def everyone() -> list[Generator]:
    """One tiny generator of each kind, in evaluation mode."""
    kinds = [
        style(),
        ConvGenerator(noise=5, labels=3, size=8, width=4),
        ConvVae(dim=4, size=8, channels=1, width=4),
    ]
    return [kind.eval() for kind in kinds]


def test_a_modulated_convolution_is_that_of_the_paper() -> None:
    torch.manual_seed(0)
    conv = ModulatedConv(3, 5, 4).double()
    x, w = torch.randn(2, 3, 6, 6).double(), torch.randn(2, 4).double()
    style = conv.style(w)
    for i in range(2):
        # Equations 1 and 3: the weights are scaled by input channel, then to unit norm by output.
        weight = conv.weight * conv.scale * style[i][None, :, None, None]
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        wanted = functional.conv2d(x[i : i + 1], weight, conv.bias, padding=1)
        torch.testing.assert_close(conv(x, w)[i : i + 1], wanted)


def test_layers_of_equal_scale_keep_the_variance() -> None:
    torch.manual_seed(0)
    x = torch.randn(4000, 64)
    assert EqualLinear(64, 32)(x).var().item() == pytest.approx(1, rel=0.1)
    # A slower layer is the same function at the beginning.
    assert EqualLinear(64, 32, speed=0.01)(x).var().item() == pytest.approx(1, rel=0.1)
    assert torch.allclose(
        EqualLinear(4, 2, bias=1.0, speed=0.01)(torch.zeros(1, 4)), torch.ones(1, 2)
    )
    images = torch.randn(50, 16, 10, 10)
    assert EqualConv(16, 16)(images)[:, :, 1:-1, 1:-1].var().item() == pytest.approx(1, rel=0.1)
    assert EqualConv(16, 8, stride=2)(images).shape == (50, 8, 5, 5)


@pytest.mark.parametrize("kind", range(3))
def test_every_generator_keeps_the_protocol(kind: int) -> None:
    generator = everyone()[kind]
    assert isinstance(generator, Generator)
    latents = generator.sample(3, seed=4)
    assert latents.shape == (3, generator.dim)
    images = generator.synthesize(latents)
    assert images.shape[0] == 3
    assert images.ndim == 4
    # One latent alone gives what it gives among others; again gives the same.
    torch.testing.assert_close(generator.synthesize(latents[1]), images[1:2])
    assert torch.equal(generator.synthesize(latents), images)
    assert torch.equal(generator.sample(2, seed=4), latents[:2])
    assert not torch.equal(generator.sample(3, seed=5), latents)


@pytest.mark.parametrize("kind", range(3))
def test_forward_and_reverse_mode_agree(kind: int) -> None:
    generator = everyone()[kind]
    generator.double()  # type: ignore[attr-defined]
    latent = generator.sample(1)[0].double()

    def image(z: torch.Tensor) -> torch.Tensor:
        return generator.synthesize(z)[0].flatten()

    forward = torch.func.jacfwd(image)(latent)
    reverse = torch.func.jacrev(image)(latent)
    torch.testing.assert_close(forward, reverse, rtol=1e-9, atol=1e-11)
    assert forward.abs().max() > 1e-4


def test_rows_of_w_plus_that_are_equal_are_one_w() -> None:
    generator = style()
    w = generator.sample(2)
    plus = generator.broadcast(w)
    assert plus.shape == (2, generator.layers, 6)
    assert generator.broadcast(w[0]).shape == (generator.layers, 6)
    torch.testing.assert_close(generator.synthesize(plus), generator.synthesize(w))


def test_each_row_of_w_plus_changes_the_image() -> None:
    generator = style()
    plus = generator.broadcast(generator.sample(1)).clone()
    before = generator.synthesize(plus)
    for row in range(generator.layers):
        other = plus.clone()
        other[:, row] += 0.5
        assert (generator.synthesize(other) - before).abs().max() > 1e-4


def test_samples_of_w_are_mapped_normal_ones() -> None:
    generator = style()
    z = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(generator(z), generator.synthesize(generator.map(z)))
    # The length of z does not count.
    torch.testing.assert_close(generator.map(3 * z), generator.map(z), rtol=1e-4, atol=1e-5)


def test_a_vae_samples_where_the_latents_of_images_lie() -> None:
    model = ConvVae(dim=2, size=8, channels=1, width=4).eval()
    normal = model.sample(4000)
    assert torch.allclose(normal.mean(0), torch.zeros(2), atol=0.06)
    assert torch.allclose(normal.T.cov(), torch.eye(2), atol=0.08)
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(600, 1, 8, 8, generator=rng) * torch.linspace(-1, 1, 600).view(-1, 1, 1, 1)
    with torch.no_grad():
        mean, log_variance = model.encode(images)
    model.settle(images)
    drawn = model.sample(4000)
    # The mean and the covariance of all latents are kept: those of means, and of each about its.
    wanted = mean.T.cov() + torch.diag(log_variance.exp().mean(0))
    assert torch.allclose(drawn.mean(0), mean.mean(0), atol=0.1)
    assert torch.allclose(drawn.T.cov(), wanted, atol=0.15)
    assert torch.equal(model.sample(5), drawn[:5])


def test_labels_are_the_last_dimensions_of_a_latent() -> None:
    generator = ConvGenerator(noise=5, labels=3, size=8, width=4)
    assert generator.sample(4)[:, 5:].argmax(1).tolist() == [0, 1, 2, 0]
    given = generator.sample(2, labels=[2, 2])
    assert given[:, 5:].tolist() == [[0, 0, 1], [0, 0, 1]]
    assert torch.equal(given[:, :5], generator.sample(2)[:, :5])
    assert ConvGenerator(noise=5, labels=0, size=8, width=4).sample(2).shape == (2, 5)


def test_a_score_depends_on_its_own_image_and_label_alone() -> None:
    judge = ImageDiscriminator(size=8, channels=1, widths=(4, 8), labels=3)
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2])
    whole = judge(images, labels)
    torch.testing.assert_close(judge(images[1:2], labels[1:2]), whole[1:2])
    assert (judge(images, labels.flip(0)) - whole)[[0, 2]].abs().min() > 1e-4
    assert whole.shape == judge(images).shape == (3,)


@pytest.mark.parametrize("make", [style, lambda: ConvGenerator(width=4), lambda: ConvVae(width=4)])
def test_weights_depend_on_the_seed_alone_and_leave_chance_as_it_was(make) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    first = make().state_dict()
    assert torch.equal(torch.rand(1), wanted)
    second = make().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("subject", ["faces", "digits"])
@pytest.mark.parametrize("family", ["gan", "vae"])
def test_models_have_the_shape_of_their_subject(subject: str, family: str) -> None:
    generator = generator_of(generator_model(subject, family=family)).eval()
    image = generator.synthesize(generator.sample(1))
    assert image.shape == ((1, 3, 32, 32) if subject == "faces" else (1, 1, 16, 16))
    assert sum(p.numel() for p in generator.parameters()) < 400_000


def test_the_oracle_is_a_generator_too() -> None:
    assert isinstance(face_oracle(), Generator)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: StyleGenerator(size=12), "`size` must be a power of two; got 12"),
        (lambda: StyleGenerator(size=4), "`size` must be at least 8; got 4"),
        (lambda: StyleGenerator(widths=(8, 8)), "`widths` must hold 4 numbers for 32 pixels"),
        (lambda: StyleGenerator(mapping=0), "`mapping` must be at least 1"),
        (lambda: ImageDiscriminator(widths=(8, 8)), "`widths` must hold 4 numbers for 32 pixels"),
        (lambda: ImageDiscriminator(labels=-1), "`labels` must be at least 0"),
        (
            lambda: style().synthesize(torch.zeros(2, 3)),
            r"`latent` must have axes \(6,\), \(n, 6\)",
        ),
        (lambda: style().synthesize(torch.zeros(2, 3, 6)), r"\(n, 6, 6\); got shape \(2, 3, 6\)"),
        (lambda: ConvGenerator(noise=0), "`noise` must be at least 1; got 0"),
        (
            lambda: ConvGenerator().synthesize(torch.zeros(3)),
            r"\(n, 42\) or \(42,\); got shape \(3,\)",
        ),
        (lambda: ConvGenerator().sample(2, labels=[1]), "`labels` must hold 2 whole numbers"),
        (
            lambda: ConvGenerator().sample(1, labels=[10]),
            r"`labels` must be from 0 to 9; got \[10\]",
        ),
        (lambda: ConvGenerator().sample(0), "`n` must be at least 1; got 0"),
        (lambda: ConvVae().synthesize(torch.zeros(1, 1, 64)), r"\(n, 64\) or \(64,\); got shape"),
        (
            lambda: ConvVae(width=4).settle(torch.zeros(9, 3, 32, 32)),
            "`images` must hold at least 40",
        ),
        (lambda: generator_model("cats"), "`subject` must be one of 'faces', 'digits'"),
        (lambda: generator_model(family="flow"), "`family` must be one of 'gan', 'vae'"),
    ],
)
def test_what_a_generator_cannot_do_is_refused(call, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


def test_what_is_no_trainee_has_no_generator() -> None:
    with pytest.raises(TypeError, match="`trainee` must be Adversaries or a ConvVae; got Linear"):
        generator_of(torch.nn.Linear(1, 1))  # type: ignore[arg-type]
