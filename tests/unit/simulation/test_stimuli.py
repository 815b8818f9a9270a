"""What a simulated animal is shown, and what its cells do about it."""

import numpy as np
import polars as pl
import pytest

from groundtrace.errors import InputError
from groundtrace.responses.conditions import with_conditions
from groundtrace.responses.presentations import read_stimuli
from groundtrace.responses.reliability import reliability
from groundtrace.responses.windows import plane_delay
from groundtrace.sessions import Session
from groundtrace.simulation.evoked import evoke
from groundtrace.simulation.parameters import Simulation
from groundtrace.simulation.receptive_fields import Fields, best_images, draw_fields, drive, filters, respond
from groundtrace.simulation.simulate import prepare
from groundtrace.simulation.stimulus import GREY, gratings, pixels, show, with_contrast
from groundtrace.simulation.tables import SimulatedStimuli, TruthResponses
from groundtrace.simulation.truth import Truth
from groundtrace.tables import validate

KEY, RATE = "sub-A/ses-1", 30.0


def simulation(frames: int = 4000, **stimulus: object) -> Simulation:
    return Simulation(frames=frames, rate=3.0, stimulus={"n_images": 24, "repeats": 5} | stimulus)  # pyright: ignore[reportArgumentType]


def cells(**own: object) -> Fields:
    """One cell of 36 × 64 px images with a filter of its own."""
    given = {"kind": "simple", "y": 16.0, "x": 30.0, "orientation": 30.0, "frequency": 0.12, "size": 3.0, "aspect": 1.2}
    given |= {"phase": 40.0, "gain": 2.0, "baseline": 0.1, "neuron": np.nan}
    return Fields(*(np.array([(given | own)[name]]) for name in Fields._fields))


@pytest.mark.parametrize("kind", ["patches", "dead_leaves", "gratings"])
def test_images_have_the_mean_and_contrast_that_were_asked_for(kind):
    shown = show(simulation(images=kind, contrast=0.15), KEY, RATE)
    assert shown is not None
    assert (shown.images.shape, shown.images.dtype) == ((24, 36, 64), np.uint8)
    seen = pixels(shown.images)
    assert seen.mean(axis=(1, 2)) == pytest.approx(np.full(24, GREY), abs=0.003)
    assert seen.std(axis=(1, 2)) == pytest.approx(np.full(24, 0.15), abs=0.003)
    assert len(np.unique(shown.images, axis=0)) == 24
    again = show(simulation(images=kind, contrast=0.15), KEY, RATE)
    assert again is not None
    assert (again.images == shown.images).all()


def test_presentations_are_read_as_those_of_a_real_session(tmp_path):
    parameters = simulation(images="gratings", once=7)
    shown = show(parameters, KEY, RATE)
    assert shown is not None
    validate(SimulatedStimuli, shown.presentations).write_parquet(tmp_path / "stimuli.parquet")
    time = np.arange(parameters.frames) / RATE
    timed = read_stimuli(tmp_path / "stimuli.parquet").timed(time, RATE)
    presentations = with_conditions(timed, None, "stimuli.parquet")
    counts = presentations["image"].value_counts()["count"]
    assert [(counts == number).sum() for number in (1, 5)] == [7, 24]
    # Of every block of repeats each image is shown once.
    first = presentations["image"].cast(pl.Int32).to_numpy()[: 24 + 2]
    assert set(range(24)) <= set(first.tolist())


def test_a_recording_that_is_too_short_is_refused_with_the_frames_it_needs():
    with pytest.raises(InputError, match=r"frames: 1000 at 30 Hz are too few for 120 presentations .* least 1860"):
        show(simulation(1000), KEY, RATE)
    assert show(simulation(1860), KEY, RATE) is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stimulus": {"repeats": 1}}, "greater than or equal to 2"),
        ({"stimulus": {"simple": 0, "complex": 0, "normalised": 0, "untuned": 0}}, "give the share of one kind"),
        ({"stimulus": {"fitted": 1}}, "give its file"),
        ({"stimulus": {"network": "weights.pth"}}, "give their share"),
        ({"stimulus": {"network": "weights.pth", "fitted": 1, "height": 24}}, "images of 36 × 64 px, not 24 × 64"),
        ({"stimulus": {}, "null_movie": "static"}, "keep one of the two"),
        ({"stimulus": {"images": "films"}}, "patches"),
    ],
)
def test_what_cannot_be_simulated_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Simulation.model_validate(wrong)


def test_a_simple_cell_prefers_the_grating_of_its_orientation_and_a_complex_one_does_not_mind_the_phase():
    angle = np.arange(0, 180, 5.0)
    shape = (36, 64)
    for kind in ("simple", "complex", "normalised"):
        best = np.zeros(len(angle))
        for phase in range(0, 360, 30):
            shown = GREY + 0.2 * gratings(shape, angle, np.full(len(angle), 0.12), np.full(len(angle), float(phase)))
            best = np.maximum(best, respond(cells(kind=kind), shown)[0])
        assert angle[best.argmax()] == 30.0
    phases = np.arange(0, 360, 30.0)
    shown = GREY + 0.2 * gratings(shape, np.full(12, 30.0), np.full(12, 0.12), phases)
    simple, energy = (drive(cells(kind=kind), shown)[0] for kind in ("simple", "complex"))
    assert (simple == 0).sum() >= 5
    assert energy.min() > 0.9 * energy.max()
    assert (drive(cells(kind="untuned"), shown) == 0).all()


def test_the_contrast_around_divides_a_normalised_cell():
    own = with_contrast(filters(cells(), (36, 64))[0], GREY, 0.05)[0]
    around = gratings((36, 64), np.array([120.0]), np.array([0.12]), np.array([0.0]))[0]
    crossed = own + 0.2 * around
    simple, normalised = (drive(cells(kind=kind), np.stack([own, crossed]))[0] for kind in ("simple", "normalised"))
    assert simple[1] > 0.8 * simple[0]
    assert normalised[1] < 0.85 * normalised[0]


def test_the_best_image_is_at_the_contrast_asked_for_and_no_other_is_better():
    random = np.random.default_rng(0)
    shown = show(simulation(5000, n_images=60), KEY, RATE)
    assert shown is not None
    stimulus = simulation().stimulus
    assert stimulus is not None
    fields = draw_fields(random, stimulus, np.full(20, 3.0), pixels(shown.images))
    best = best_images(fields, (36, 64), 0.08)
    assert best.mean(axis=(1, 2)) == pytest.approx(np.full(20, GREY), abs=1e-3)
    assert best.std(axis=(1, 2)) == pytest.approx(np.full(20, 0.08), rel=0.02)
    reached = drive(fields, best).diagonal()
    others = np.concatenate(
        [with_contrast(pixels(shown.images), GREY, 0.08), with_contrast(filters(fields, (36, 64))[0], GREY, 0.08)]
    )
    assert (reached >= drive(fields, others).max(axis=1) * (1 - 1e-6)).all()
    wiggled = with_contrast(best + 0.01 * random.standard_normal(best.shape), GREY, 0.08)
    assert (reached >= drive(fields, wiggled).diagonal() * (1 - 1e-6)).all()


def test_spikes_have_the_true_means_deviations_and_oracle_correlations():
    parameters = simulation(60_000, n_images=30, repeats=60, duration=0.5)
    shown = show(parameters, KEY, RATE)
    assert shown is not None
    assert parameters.stimulus is not None
    spiking, driven = evoke(np.random.default_rng(1), parameters, shown, 40, 0.0, -2.0, 2000.0)
    begin = shown.presentations["start_time"].to_numpy() + parameters.stimulus.latency
    counts = np.stack([np.searchsorted(t, begin + 0.5) - np.searchsorted(t, begin) for t in spiking.times]).astype(
        float
    )
    repeat = np.argsort(np.argsort(shown.order, kind="stable"), kind="stable") % 60
    mean = np.stack([counts[:, shown.order == image].mean(axis=1) for image in range(30)], axis=1)
    deviation = np.stack([counts[:, shown.order == image].var(axis=1, ddof=1) for image in range(30)], axis=1)
    assert mean == pytest.approx(driven.expected, abs=6 * np.sqrt(driven.variance.max() / 60))
    z = (mean - driven.expected) / np.sqrt(driven.variance / 60)
    assert abs(z.mean()) < 0.15
    assert z.std() == pytest.approx(1, abs=0.1)
    assert deviation.sum() == pytest.approx(driven.variance.sum(), rel=0.15)
    found = reliability(counts, shown.order, repeat)
    off = found["oracle"] - driven.oracle
    assert abs(off.mean()) < 0.02
    assert np.corrcoef(found["oracle"], driven.oracle)[0, 1] > 0.95


def test_a_plane_has_the_truth_of_the_cells_in_its_field_and_of_the_time_it_is_imaged():
    session = Session(subject="A", session="1", planes=2, frame_rate=10.0, indicator="jGCaMP8m", simulate="seen")
    parameters = simulation(
        700, n_images=6, repeats=20, shared=0, private=0, simple=0, complex=1, normalised=0, untuned=0
    )
    parameters = parameters.model_copy(update={"height": 48, "width": 48})
    planes = prepare(parameters, session)
    shown = show(parameters, session.key, 10.0)
    truth = Truth(tuple(plane.truth() for plane in planes), 10.0, 1.0, 70.0, shown)
    table = validate(TruthResponses, truth.responses())
    assert table.select("plane", "roi").equals(truth.cells().select("plane", "roi"))
    own = Fields.of(table)
    assert shown is not None
    expected = np.stack([row.to_numpy() for row in table["response"]])
    assert respond(own, pixels(shown.images)) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    # Spikes of a plane are told on its own clock, which is late by its share of a volume.
    start = shown.presentations["start_time"].to_numpy() + 0.05
    for plane, rows in enumerate(truth.cells().partition_by("plane", maintain_order=True)):
        times = np.concatenate([row.to_numpy() for row in rows["spike_times"]])
        at = times + plane_delay(plane, 2, 10.0)
        place = np.searchsorted(start, at) - 1
        after = at[place >= 0] - start[place[place >= 0]]
        assert (after < 0.25).mean() > 0.85
        assert ((after > 0.2) & (after < 0.25)).mean() == pytest.approx(0.18, abs=0.05)
