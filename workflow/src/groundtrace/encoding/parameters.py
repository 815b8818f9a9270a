"""How encoding models are judged, and which images are made of them."""

from pydantic import Field, PositiveInt

from groundtrace.section import Section


class EncodingParameters(Section):
    """Encoding models, of sessions whose sheet has `stimuli` and `stimulus_images`; the models are under `encode`."""

    folds: int = Field(default=5, ge=2, le=50)
    """Of the cross-validation: all presentations of an image are in one of them."""
    seed: int = Field(default=0, ge=0)
    """Of folds, weights and the noise that most exciting images start from."""
    cells: int = Field(default=12, ge=0, le=200)
    """Cells whose most exciting images are made: selected ones, those that models predict best first."""
    contrast: float = Field(default=0.3, gt=0, le=1)
    """RMS contrast of these images, relative to that of the images shown."""
    starts: PositiveInt = 4
    """Images that gradient ascent starts from: grey, black, then white noise."""
    steps: PositiveInt = 120
    """Of gradient ascent."""
