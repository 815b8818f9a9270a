"""Parameters of a simulated recording; frame rate, pixel size, indicator and planes come from the sample sheet."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, model_validator

from groundtrace.section import Section

Z_STEP = 2.0
"""µm between the planes of a simulated z-stack."""
FITTED_SHAPE = (36, 64)
"""px, Y and X: images of the network that was fitted to real neurons."""


class Revisits(Section):
    """How the sessions of a field (the sheet's column `field`) differ: each is drawn anew for every session, evenly
    between plus and minus the number where nothing else is said."""

    shift: NonNegativeFloat = 15.0
    """µm, along each axis."""
    rotation: float = Field(default=5.0, ge=0, le=45)
    """Degrees."""
    scale: float = Field(default=0.03, ge=0, le=0.3)
    """Share by which lengths differ."""
    deformation: NonNegativeFloat = 1.5
    """Standard deviation of a smooth displacement beyond these, µm."""
    axial_offset: NonNegativeFloat = 4.0
    """µm by which the imaged plane is deeper or higher."""
    brightness: NonNegativeFloat = 0.2
    """Standard deviation of the logarithm of each cell's brightness."""
    turnover: float = Field(default=0.1, ge=0, lt=1)
    """Share of the cells that are dark in a session, others in each."""


class StimulusParameters(Section):
    """Images that a simulated animal is shown, and the cells that respond to them. The recording must be long enough:
    (n_images × repeats + once) × (duration + grey), and 2 s."""

    images: Literal["patches", "dead_leaves", "gratings"] = "patches"
    """`patches` of two photographs, `dead_leaves`: discs that hide each other, or full-field `gratings`."""
    n_images: int = Field(default=118, ge=2)
    """Images that are repeated."""
    repeats: int = Field(default=10, ge=2)
    """Presentations of each of them."""
    once: NonNegativeInt = 0
    """Further images, each shown once among them: encoding models learn more from new images than from repeats."""
    duration: PositiveFloat = 0.25
    """Of a presentation, s."""
    grey: NonNegativeFloat = 0.25
    """Between two presentations, s."""
    latency: float = Field(default=0.05, ge=0, le=1)
    """From the start of a presentation to that of the response, which lasts as long, s."""
    height: int = Field(default=36, ge=8)
    """Of an image, px."""
    width: int = Field(default=64, ge=8)
    """px."""
    contrast: float = Field(default=0.2, gt=0, le=0.45)
    """Standard deviation of the pixels of every image, where black is 0, white 1 and the mean of each image 0.5."""
    simple: NonNegativeFloat = 0.3
    """Share of cells with a rectified Gabor filter; shares are relative to their sum."""
    complex: NonNegativeFloat = 0.3
    """Of cells that sum the squares of two Gabor filters 90° apart."""
    normalised: NonNegativeFloat = 0.3
    """Of simple cells that the contrast around their receptive field divides."""
    untuned: NonNegativeFloat = 0.1
    """Of cells that do the same whatever is shown."""
    fitted: NonNegativeFloat = 0.0
    """Of cells of the network below."""
    network: Path | None = None
    """File of weights of a network that was fitted to real neurons, sensorium_sota_model.pth of the public repository
    sinzlab/sensorium (Willeke et al. 2022): its neurons, drawn at random, are the fitted cells. It sees 36 × 64 px."""
    spontaneous: float = Field(default=0.1, ge=0, lt=1)
    """Share of the mean rate that does not depend on the image, and goes on in grey."""
    shared: NonNegativeFloat = 0.3
    """Standard deviation over presentations of the logarithm of a gain that all cells share, each more or less."""
    private: NonNegativeFloat = 0.3
    """The same of a gain of each cell's own. Given the gains, spikes are Poisson."""

    @property
    def presentations(self) -> int:
        """How many there are."""
        return self.n_images * self.repeats + self.once

    @model_validator(mode="after")
    def _some_cells(self) -> "StimulusParameters":
        if not self.simple + self.complex + self.normalised + self.untuned + self.fitted:
            raise ValueError(
                "simple, complex, normalised, untuned and fitted are all 0; give the share of one kind of cells"
            )
        return self

    @model_validator(mode="after")
    def _fitted_cells_have_a_network(self) -> "StimulusParameters":
        if self.fitted and self.network is None:
            raise ValueError("fitted cells are those of a network; give its file (network), or set fitted to 0")
        if self.network is None:
            return self
        if not self.fitted:
            raise ValueError("network: no cell is of it; give their share (fitted), or leave out network")
        if (self.height, self.width) != FITTED_SHAPE:
            raise ValueError(
                f"network: it sees images of 36 × 64 px, not {self.height} × {self.width}; set height and width so"
            )
        return self


class AstrocyteParameters(Section):
    """Astrocytes in place of neurons: the cells are dark but for events, each of which spreads over a patch."""

    rate: PositiveFloat = 150.0
    """Events per mm² and minute."""
    area: PositiveFloat = 400.0
    """Median over events, µm²."""
    peak: PositiveFloat = 0.6
    """Median of the largest dF/F."""
    rise: PositiveFloat = 0.5
    """Time constant of the rise at one place, s."""
    decay: PositiveFloat = 3.0
    """Median of the time constant of the decay, s."""
    speed: PositiveFloat = 15.0
    """Median of the speed at which an event spreads, µm/s."""
    spread: NonNegativeFloat = 0.5
    """Standard deviation over events of the logarithm of area, peak, decay and speed."""


class Simulation(Section):
    """A recording whose truth is known."""

    seed: int = Field(default=0, ge=0)
    """Same seed, session and parameters: the same movie, byte for byte."""
    frames: int = Field(default=1000, ge=2)
    """Per plane."""
    height: int = Field(default=128, ge=8)
    """px."""
    width: int = Field(default=128, ge=8)
    """px."""
    density: PositiveFloat = 1e5
    """Neurons per mm³ of tissue; those above and below the plane are seen through the axial point spread."""
    expressing: float = Field(default=0.8, ge=0, le=1)
    """Share of the neurons that have the indicator; the others are dark."""
    elongation: NonNegativeFloat = 0.0
    """How far from round somata are: standard deviation of the logarithm by which they are longer than their radius
    along one axis, and narrower across it."""
    dendrites: NonNegativeFloat = 500.0
    """Apical dendrites of deeper neurons that cross the plane, per mm²."""
    photons: PositiveFloat = 10.0
    """Mean photons per pixel and frame."""
    rate: PositiveFloat = 0.8
    """Median firing rate over cells, Hz (log-normal over cells); with a stimulus, that while images are shown."""
    stimulus: StimulusParameters | None = None
    """Images that are shown, and what they do to the cells; empty is activity of the cells' own."""
    astrocytes: AstrocyteParameters | None = None
    """Events of astrocytes; the neurons, and the neuropil, are then at rest."""
    motion: NonNegativeFloat = 2.0
    """Standard deviation of the rigid displacement along each axis, µm; it goes on while a frame is scanned."""
    nonrigid: NonNegativeFloat = 0.5
    """Standard deviation of the smooth displacement beyond the rigid one, µm; 0 makes the motion rigid."""
    line_jitter: NonNegativeFloat = 0.1
    """Standard deviation of the displacement of single scan lines, µm."""
    axial_drift: NonNegativeFloat = 0.0
    """Standard deviation of the axial motion, µm: mostly slow, it changes the section that is seen."""
    z_stack: NonNegativeFloat = 0.0
    """Half the depth of a z-stack that is taken after the recording, µm; 0 for none. Motion correction then finds the
    depth of each frame in it."""
    scan_offset: float = Field(default=0.0, ge=-10, le=10)
    """px by which every second line, scanned backwards, is displaced."""
    numerical_aperture: float = Field(default=0.6, gt=0.1, le=1.1)
    """Numerical aperture of the excitation."""
    wavelength: float = Field(default=0.92, ge=0.7, le=1.7)
    """Wavelength of the excitation, µm."""
    bleaching: float = Field(default=0.02, ge=0, lt=1)
    """Share of the fluorescence lost over the recording."""
    contamination: float = Field(default=0.7, ge=0, le=1)
    """Share of the surrounding neuropil's light that is also seen at a soma."""
    neuropil_activity: NonNegativeFloat = 0.05
    """Standard deviation of the neuropil's fluorescence over its mean."""
    neuropil_scale: PositiveFloat = 25.0
    """Standard deviation of the Gaussian that describes how neuropil activity is correlated in space, µm."""
    background: NonNegativeFloat = 0.0
    """Light from out of focus, as one-photon excitation gives it, over that in focus: smooth, and as active as the
    tissue."""
    vignetting: float = Field(default=0.0, ge=0, lt=1)
    """Share of the light that is lost in the corners of the field."""
    gain: PositiveFloat = 100.0
    """Detector units per photon."""
    excess_noise: float = Field(default=1.2, ge=1)
    """Variance of the amplified photon signal over that of photon counting; 1 counts photons."""
    offset: float = Field(default=200.0, ge=-32768, le=32767)
    """Detector units at zero photons."""
    read_noise: NonNegativeFloat = 20.0
    """Standard deviation of the electronic noise, detector units."""
    noise_correlation: float = Field(default=0.17, ge=0, le=0.5)
    """Correlation of the noise of neighbouring pixels, by the detector's bandwidth and resampling."""
    saturation: int = Field(default=32767, ge=1, le=32767)
    """Largest detector value."""
    dropped: float = Field(default=0.0, ge=0, le=0.2)
    """Share of the frames that the acquisition loses: the file repeats the one before."""
    revisits: Revisits = Revisits()
    """Of sessions with a field: they show the same tissue, as far as seed and anatomy are the same."""
    null_movie: Literal["static", "frames", "blocks"] | None = None
    """A movie without events, to count false ones in: `static` keeps the mean of the activity, `frames` and `blocks`
    show the active tissue in shuffled order, frame by frame or ten frames at a time."""

    @property
    def still(self) -> bool:
        """The tissue stays where it is, and every line is scanned where it belongs."""
        return not (self.motion or self.nonrigid or self.line_jitter or self.axial_drift or self.scan_offset)

    @model_validator(mode="after")
    def _events_or_stimulus(self) -> "Simulation":
        if self.stimulus and self.null_movie:
            raise ValueError("null_movie: a movie without events has no responses to the stimulus; keep one of the two")
        if self.stimulus and self.astrocytes:
            raise ValueError("astrocytes: they do not respond to the stimulus; keep one of the two")
        return self
