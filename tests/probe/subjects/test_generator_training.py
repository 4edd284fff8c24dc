"""Training of generators: gradients against separate passes, averages, resuming, the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from probe.subjects import generator_trained
from probe.subjects.generator import (
    RECIPES,
    Adversaries,
    ConvGenerator,
    ConvVae,
    ImageDiscriminator,
    StyleGenerator,
    adversarial_loss,
    fit_generator,
    generator_training,
    image_batches,
    sample_sheet,
    trained_generator,
    training_images,
    vae_loss,
)
from probe.subjects.generator_losses import ImageBatch

IMAGES = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (12, 1, 8, 8))).float()
LABELS = torch.arange(12) % 3


def adversaries(labels: int = 3) -> Adversaries:
    """A tiny pair, with a conditional generator or one of w."""
    judge = ImageDiscriminator(size=8, channels=1, widths=(4, 8), labels=labels)
    if labels:
        return Adversaries(ConvGenerator(noise=5, labels=labels, size=8, width=4), judge)
    return Adversaries(StyleGenerator(5, size=8, channels=1, widths=(6, 4)), judge)


def vae() -> ConvVae:
    """A tiny autoencoder."""
    return ConvVae(dim=5, size=8, channels=1, width=4)


def one_batch() -> ImageBatch:
    """The first batch of six."""
    return next(image_batches(IMAGES, LABELS, 5, batch_size=6, seed=0))


def gradients(module: torch.nn.Module) -> list[Tensor]:
    """Copies of the gradients of all weights; those without one are 0."""
    zero = torch.zeros(())
    return [(zero if p.grad is None else p.grad).clone() for p in module.parameters()]


@pytest.mark.parametrize("labels", [0, 3])
def test_one_pass_gives_the_gradients_of_both_losses(labels: int) -> None:
    subject, batch = adversaries(labels).double(), one_batch()
    batch = batch._replace(images=batch.images.double(), noise=batch.noise.double())
    names = batch.labels if labels else None
    value, metrics = adversarial_loss(penalty=0.7, share=0.5)(subject, batch)
    value.backward()
    found = gradients(subject.generator), gradients(subject.discriminator)

    subject.zero_grad()
    generator, judge = subject.generator, subject.discriminator
    latent = generator.join(batch.noise, batch.labels) if labels else batch.noise  # type: ignore[operator]
    functional.softplus(-judge(generator(latent), names)).mean().backward()
    for one, wanted in zip(found[0], gradients(generator), strict=True):
        torch.testing.assert_close(one, wanted, rtol=1e-9, atol=1e-12)

    subject.zero_grad()
    real = batch.images.clone().requires_grad_()
    few = batch.labels[:3] if labels else None
    (slope,) = torch.autograd.grad(judge(real[:3], few).sum(), real, create_graph=True)
    steep = slope[:3].square().sum() / 3
    made = generator(latent).detach()
    loss = functional.softplus(judge(made, names)).mean()
    loss = loss + functional.softplus(-judge(batch.images, names)).mean() + 0.35 * steep
    loss.backward()
    torch.testing.assert_close(value.detach(), loss.detach())
    torch.testing.assert_close(metrics["penalty"], steep.detach())
    for one, wanted in zip(found[1], gradients(judge), strict=True):
        torch.testing.assert_close(one, wanted, rtol=1e-9, atol=1e-12)


def test_the_bound_is_that_of_the_paper() -> None:
    model, batch = vae(), one_batch()
    value, metrics = vae_loss(deviation=0.3)(model, batch)
    mean, log_variance = model.encode(batch.images)
    again = model.synthesize(mean + batch.noise * (log_variance / 2).exp())
    squared = ((again - batch.images) ** 2).mean()
    normal = torch.distributions.Normal(0.0, 1.0)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    divergence = torch.distributions.kl_divergence(posterior, normal).sum(1).mean()
    torch.testing.assert_close(metrics["divergence"], divergence.detach())
    pixels = torch.distributions.Normal(again, 0.3)
    bound = divergence - pixels.log_prob(batch.images).sum((1, 2, 3)).mean()
    constant = np.log(0.3) + 0.5 * np.log(2 * np.pi)
    torch.testing.assert_close(value, bound / 64 - constant)
    assert metrics["error"].item() == pytest.approx(squared.item() ** 0.5)


def test_the_average_follows_by_half_in_its_half_life() -> None:
    subject = Adversaries(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1), half_life=10)
    subject.updates += 1000
    with torch.no_grad():
        subject.average.weight.zero_()  # type: ignore[operator, union-attr]
        subject.generator.weight.fill_(1.0)  # type: ignore[operator, union-attr]
    for _ in range(10):
        subject.follow()
    assert subject.average.weight.item() == pytest.approx(0.5)  # type: ignore[operator, union-attr]
    assert int(subject.updates) == 1010  # type: ignore[arg-type]
    assert not any(p.requires_grad for p in subject.average.parameters())


def test_batches_hold_every_image_once_a_round_and_are_the_same_each_time() -> None:
    stream = image_batches(IMAGES, LABELS, 5, batch_size=4, seed=1)
    batches = [next(stream) for _ in range(6)]
    for start in (0, 3):
        seen = torch.cat([batch.images for batch in batches[start : start + 3]])
        rows = (seen[:, None] == IMAGES).flatten(2).all(2).int().argmax(1)
        assert sorted(rows.tolist()) == list(range(12))
        labels = torch.cat([batch.labels for batch in batches[start : start + 3]])
        assert torch.equal(labels, LABELS[rows])
    assert [batch.number for batch in batches] == [1, 2, 3, 4, 5, 6]
    again = next(image_batches(IMAGES, LABELS, 5, batch_size=4, seed=1))
    assert all(torch.equal(a, b) for a, b in zip(again[:3], batches[0][:3], strict=True))
    coarse = ((IMAGES + 1) * 127.5).round().byte()
    packed = next(image_batches(coarse, LABELS, 5, batch_size=4, seed=1))
    assert (packed.images - again.images).abs().max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize("make", [adversaries, lambda: adversaries(0), vae])
def test_a_training_that_was_interrupted_ends_as_one_that_was_not(make, tmp_path: Path) -> None:
    given = {"images": IMAGES, "labels": LABELS, "batch_size": 4, "every": 3, "progress": False}
    sheets: list[tuple[int, Tensor]] = []
    whole = make()
    history = fit_generator(whole, steps=6, watch=lambda *seen: sheets.append(seen), **given)
    assert [step for step, _ in sheets] == [3, 6]
    assert torch.equal(sheets[1][1], sample_sheet(whole))
    assert not torch.equal(sheets[0][1], sheets[1][1])

    file = tmp_path / "run.safetensors"
    first = make()

    class Stopped(Exception):
        """The machine was switched off."""

    def stop(step: int, _: Tensor) -> None:
        if step == 6:
            raise Stopped

    with pytest.raises(Stopped):
        fit_generator(first, steps=6, checkpoint=file, watch=stop, **given)
    second = make()
    resumed = fit_generator(second, steps=6, checkpoint=file, **given)
    states = whole.state_dict(), second.state_dict()
    for name, tensor in states[0].items():
        torch.testing.assert_close(states[1][name], tensor, rtol=1e-5, atol=1e-6)
    assert np.allclose(resumed["loss"], history["loss"], rtol=1e-5)


def test_a_vae_learns_to_repeat_what_it_sees() -> None:
    flat = torch.linspace(-1, 1, 64).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    steps = list(generator_training(vae(), flat, steps=150, batch_size=16, learning_rate=5e-3))
    assert steps[-1].metrics["error"] < 0.6 * steps[0].metrics["error"]


def test_a_sample_sheet_leaves_mode_and_chance_as_they_were() -> None:
    subject = adversaries()
    subject.train()
    before = {name: one.clone() for name, one in subject.state_dict().items()}
    state = torch.get_rng_state()
    first = sample_sheet(subject, 4)
    assert torch.equal(torch.get_rng_state(), state)
    assert subject.average.training
    assert torch.equal(first, sample_sheet(subject, 4))
    assert all(torch.equal(before[name], one) for name, one in subject.state_dict().items())


@pytest.mark.parametrize("subject", ["faces", "digits"])
@pytest.mark.parametrize("family", ["gan", "vae"])
def test_a_generator_is_trained_once(
    subject: str, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator_trained, "FACES", 64)
    monkeypatch.setitem(RECIPES, (subject, family), RECIPES[subject, family]._replace(batch_size=4))
    monkeypatch.setenv("LOUPE_DATA", str(tmp_path))
    given = {"family": family, "steps": 2, "progress": False}
    first = trained_generator(subject, **given)
    assert first.path.parent == tmp_path / "models"
    assert not first.model.training
    monkeypatch.setattr(generator_trained, "fit_generator", None)  # would fail if it were called
    second = trained_generator(subject, **given)
    assert second.path == first.path
    latent = first.model.sample(2)
    assert torch.equal(first.model.synthesize(latent), second.model.synthesize(latent))
    assert second.history.sizes["step"] == 2
    assert list(tmp_path.rglob("*.run.safetensors")) == []
    with pytest.raises(TypeError):  # another outcome, another file
        trained_generator(subject, **{**given, "steps": 3})


def test_training_images_are_those_of_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator_trained, "FACES", 600)
    faces, none = training_images("faces", seed=2)
    assert faces.shape == (600, 3, 32, 32)
    assert faces.dtype == torch.uint8
    assert none is None
    assert torch.equal(training_images("faces", n=64, seed=2)[0], faces[:64])
    digits, labels = training_images("digits")
    assert digits.shape == (1797, 1, 16, 16)
    assert labels is not None
    assert labels[:3].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: image_batches(IMAGES, None, 5, batch_size=13, seed=0),
            "`batch_size` must be between 2 and 12; got 13",
        ),
        (
            lambda: image_batches(IMAGES, LABELS[:3], 5, batch_size=2, seed=0),
            "`labels` must be one for each of 12 images; got 3",
        ),
        (lambda: adversarial_loss(penalty=-1), "`penalty` must be at least 0"),
        (lambda: adversarial_loss(share=0.0), r"`share` must be in \(0, 1\]; got 0"),
        (lambda: vae_loss(deviation=0.0), "`deviation` must be above 0; got 0.0"),
        (lambda: Adversaries(vae(), vae(), half_life=0), "`half_life` must be at least 1"),
        (lambda: generator_training(vae(), IMAGES, steps=0), "`steps` must be at least 1; got 0"),
        (lambda: fit_generator(vae(), IMAGES, steps=1, every=0), "`every` must be at least 1"),
        (lambda: trained_generator("faces", steps=0), "`steps` must be at least 1; got 0"),
        (lambda: trained_generator("faces", seed=-1), "`seed` must be at least 0; got -1"),
        (lambda: training_images("cats"), "`subject` must be one of 'faces', 'digits'"),
    ],
)
def test_what_cannot_be_trained_is_refused(call, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
