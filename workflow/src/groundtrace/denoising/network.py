"""Denoising by a small network that learns the movie itself, and says how far off it may be."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from groundtrace.arrays import Movie
from groundtrace.denoising.base import Denoising, DenoisingBackend
from groundtrace.needs import Need
from groundtrace.task import Task


class NetworkDenoising(DenoisingBackend):
    """A network that predicts each frame from those around it, never from itself, trained on the movie alone.

    It is told the movie's mean and excess deviation, so that still structures stay still.
    """

    packages: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "torch", "safetensors")
    need: ClassVar[Need] = Need(1600, pixel=7000, seconds=120, gigabyte_seconds=550)

    backend: Literal["network"] = "network"
    members: int = Field(default=3, ge=1, le=10)
    """Networks that are trained from different seeds and averaged; where they differ, the data do not decide."""
    steps: PositiveInt = 800
    """Most steps of training; it stops earlier when the frames that it does not learn from gain nothing."""
    channels: int = Field(default=32, ge=4, le=256)
    """Width of the network."""
    layers: int = Field(default=4, ge=1, le=16)
    """Number of layers; each sees 2 px further."""
    images: bool = True
    """Tell the network the movie's mean and excess deviation; without them it knows a frame from its neighbours alone,
    and structures wobble."""
    seed: int = Field(default=0, ge=0)
    """Seed of the weights and of the order of training."""

    def run(self, movie: Movie, denoised: Movie, deviation: Movie, task: Task) -> Denoising:
        from groundtrace.denoising.held_out import check
        from groundtrace.denoising.inference import denoise
        from groundtrace.denoising.model import Shape, describe
        from groundtrace.denoising.standard import StandardMovie
        from groundtrace.denoising.training import Settings, parts, repeatable, train

        standard = StandardMovie.of(movie, task.bad_frames, task.borders, by_pixel=self.images)
        shape = Shape(self.channels, self.layers, self.images)
        with repeatable():
            members, curve = train(standard, shape, Settings(self.members, self.steps, self.seed), task.threads)
            denoise(standard, members, denoised, deviation, task.threads)
        part = parts(len(movie))[standard.good]
        held_out = [standard.good[part == number] for number in (1, 2)]
        checked = check(movie, denoised, deviation, held_out, standard.noise, standard.mean)
        return Denoising(standard.noise, standard.mean, curve, checked, *describe(members))
