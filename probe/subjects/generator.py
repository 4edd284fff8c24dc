"""Generators of images: the protocol, small ones that train here, and adapters for others."""

from __future__ import annotations

from .generator_adapter import AdaptedGenerator, adapt_generator
from .generator_conv import ConvGenerator
from .generator_losses import Adversaries, adversarial_loss, image_batches, vae_loss
from .generator_protocol import Generator
from .generator_style import ImageDiscriminator, StyleGenerator
from .generator_trained import (
    FAMILIES,
    RECIPES,
    SUBJECTS,
    TrainedGenerator,
    generator_model,
    trained_generator,
    training_images,
)
from .generator_training import fit_generator, generator_of, generator_training, sample_sheet
from .generator_vae import ConvVae

__all__ = [
    "FAMILIES",
    "RECIPES",
    "SUBJECTS",
    "AdaptedGenerator",
    "Adversaries",
    "ConvGenerator",
    "ConvVae",
    "Generator",
    "ImageDiscriminator",
    "StyleGenerator",
    "TrainedGenerator",
    "adapt_generator",
    "adversarial_loss",
    "fit_generator",
    "generator_model",
    "generator_of",
    "generator_training",
    "image_batches",
    "sample_sheet",
    "trained_generator",
    "training_images",
    "vae_loss",
]
