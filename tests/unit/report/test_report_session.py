"""The session page as a whole."""

import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from groundtrace.acquisition import SourceFile
from groundtrace.curation.tables import Curation
from groundtrace.errors import InputError
from groundtrace.extraction.tables import ExtractionQuality, Rois
from groundtrace.io import write_arrays, write_table, write_text
from groundtrace.motion.tables import MotionQuality, Shifts
from groundtrace.movies.tables import Frames, RawQuality
from groundtrace.notices import Notice
from groundtrace.provenance import provenance
from groundtrace.report.footprints import pack_footprints
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.sections.session.cells.rois import search_facts
from groundtrace.report.session import SessionInputs, load_session, render_session, session_warnings
from groundtrace.responses.tables import Responses
from groundtrace.spikes.tables import Spikes
from groundtrace.tables import empty
from groundtrace.traces.tables import Traces
from tests.tables import example
from tests.unit.report.cells_example import example_extraction_quality
from tests.unit.report.report_decode import image, page_data, unpack, values
from tests.unit.report.report_example import example_acquisition, example_session, with_accuracy

PARAMETERS = ReportParameters()


@pytest.fixture(scope="module")
def page(session: SessionInputs) -> str:
    return render_session(session, PARAMETERS)


def test_page_says_what_was_recorded(page):
    for text in ("M01", "session 001", "2026-03-01", "GCaMP6s", "30 Hz", "128 × 128 px", "V1", "100 s", "default"):
        assert text in page
    assert "3\u202f000 frames" in page


def test_page_holds_parameters_versions_and_sources(page):
    for text in ("settings.detection.max_overlap", "block_size", "[128, 128]", "oasis", "2.4.6"):
        assert text in page
    assert "M01_001.tif" in page
    assert "5f" * 32 in page


def test_key_figures_are_those_of_the_accepted_cells(session, page):
    cells = session.traces.filter("accepted")
    figures = dict(re.findall(r'<div class="figure[^"]*"><h2>(.*?)</h2><p class="value">(.*?)(?:<|$)', page))
    assert figures["cells"] == str(cells.height)
    assert float(figures["noise level ν"]) == pytest.approx(cells["noise_level"].median(), rel=0.05)
    assert float(figures["signal to noise"]) == pytest.approx(cells["snr"].median(), rel=0.05)
    assert figures["residual motion"] == "0.18"
    assert "correlation" not in figures


def test_expected_correlation_is_shown_once_it_is_known(session):
    expected = {"": 0.71, "_low": 0.5, "_high": 0.85}
    known = {f"expected_correlation{end}": pl.lit(value, pl.Float32) for end, value in expected.items()}
    page = render_session(replace(session, spikes=session.spikes.with_columns(**known)), PARAMETERS)
    assert '<p class="value">0.71</p><p>median expected with true spikes; 90 % interval 0.5 to 0.85</p>' in page


def test_cells_that_are_right_enough_are_counted(session):
    inputs = with_accuracy(session)
    known = inputs.spikes.filter("accepted")["expected_correlation"].drop_nulls()
    page = render_session(inputs, ReportParameters(accuracy=0.65))
    reached, cells = int((known >= 0.65).sum()), inputs.spikes["accepted"].sum()
    assert 0 < reached < len(known) == cells - 1, "the first ROI is a cell of which nothing is known"
    assert f"For {reached} of {cells} cells we expect a correlation of at least 0.65 with the true" in page
    assert "For 1 it is not known." in page
    assert "in the 1 s around each frame (90 % interval)" in page
    data = page_data(page)
    assert data["accuracy"] == 0.65
    assert data["rois"]["expectedLow"][0] is None
    low = inputs.spikes["expected_correlation_low"].to_list()
    assert data["rois"]["expectedLow"][1:] == pytest.approx(low[1:], rel=1e-5)
    assert "For none of" in render_session(inputs, ReportParameters(accuracy=0.99))


def test_a_method_without_expectation_says_so(page):
    assert '<p class="statement">Not known for this method.</p>' in page
    assert "The method oasis does not say" in page
    assert "90 % interval" not in page
    assert 'id="expected"' not in page


def test_rates_whose_scale_is_not_known_have_no_hz(session, page):
    relative = replace(session, acquisition=session.acquisition.model_copy(update={"indicator": "jRCaMP1a"}))
    assert "spike rate (a.u.)" in render_session(relative, PARAMETERS)
    assert "spike rate (Hz)" in page


def test_a_network_without_expectation_does_not_recommend_itself(session):
    unknown = with_accuracy(session).spikes.with_columns(expected_correlation=pl.lit(None, pl.Float32))
    page = render_session(replace(with_accuracy(session), spikes=unknown), PARAMETERS)
    assert "Not known for this method." in page
    assert "only with weights that were tested" in page


def test_images_and_charts_are_those_of_the_recording(session, page):
    data = page_data(page)
    assert image(data["images"]["after"]).shape == (128, 128)
    after = session.motion_images["mean"]
    low, high = np.percentile(after, [1, 99.7])
    expected = np.clip((after - low) / (high - low), 0, 1) * 255
    assert np.abs(image(data["images"]["after"]) - expected).max() <= 0.51
    np.testing.assert_allclose(values(data["shifts"]["y"]), session.shifts["y"].to_numpy(), atol=0.01)
    np.testing.assert_allclose(values(data["brightness"]), session.frames["brightness"].to_numpy(), atol=0.1)
    bad = np.zeros(3000, bool)
    for first, after_last in data["marks"]["bad"]:
        bad[first:after_last] = True
    np.testing.assert_array_equal(bad, session.shifts["bad"].to_numpy())
    assert data["marks"]["dropped"] == [[1500, 1501], [2250, 2251]]


def test_nonrigid_shifts_show_the_largest_block(session):
    blocks = pl.Series([[3.0, 0.0]] * 2999 + [[0.0, 6.0]], dtype=pl.List(pl.Float32))
    sideways = pl.Series([[4.0, 1.0]] * 2999 + [[0.0, 8.0]], dtype=pl.List(pl.Float32))
    shifts = session.shifts.with_columns(block_y=blocks, block_x=sideways)
    found = values(page_data(render_session(replace(session, shifts=shifts), PARAMETERS))["shifts"]["block"])
    np.testing.assert_allclose(found[[0, -1]], [5, 10], atol=1e-3)


def test_footprints_survive(session):
    packed = pack_footprints(session.outlines, 128)
    runs = iter(unpack(packed["runs"], "<i4").reshape(-1, 2).tolist())
    for count, y, x in zip(packed["counts"], session.rois["pixel_y"], session.rois["pixel_x"], strict=True):
        position, found = 0, set()
        for _ in range(count):
            gap, length = next(runs)
            found |= set(range(position + gap, position + gap + length))
            assert (position + gap) // 128 == (position + gap + length - 1) // 128, "a run stays in its row"
            position += gap + length
        assert found == set((y * 128 + x).to_list())


def test_faint_tails_of_a_footprint_are_not_drawn(session, page):
    """CaImAn leaves hundreds of pixels of hardly any weight around a cell."""
    far = {"pixel_y": list(range(100)), "pixel_x": [3] * 100, "weight": [1e-3] * 100, "overlap": [False] * 100}
    tails = [pl.col(name).list.concat(pl.lit(pl.Series([values]))) for name, values in far.items()]
    rois = session.rois.with_columns(tails).cast(session.rois.schema)
    drawn = page_data(render_session(replace(session, rois=rois), PARAMETERS))
    assert drawn["footprints"] == page_data(page)["footprints"]
    assert drawn["rois"]["area"] == session.rois["area"].to_list()


def test_text_of_the_user_is_escaped(session):
    attack = "<script>alert(1)</script>"
    source = SourceFile(name=f"{attack}.tif", sha256="0", frames=3)
    nasty = example_acquisition(3000, 128, location=attack, sources=(source,))
    history = [{"step": "ingest", "parameters": {"path": attack, attack: {"x": 1}}, "versions": {}}]
    page = render_session(
        replace(session, acquisition=nasty, recipe=attack, provenance={"history": history}), PARAMETERS
    )
    assert attack not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script") == 2
    assert page.count("</script>") == 2


def test_page_forbids_requests_and_is_the_same_twice(session, page):
    assert "default-src 'none'; img-src data:;" in unescape(page)
    assert not re.search(r"""(?:src|href)=["'](?!data:|\.\./|#|\{)""", page)
    assert render_session(session, PARAMETERS) == page


@pytest.mark.parametrize("rois", [0, 1, 2])
def test_hardly_any_roi(rois):
    inputs = example_session(rois=rois, frames=300, side=64)
    data = page_data(render_session(inputs, PARAMETERS))
    assert len(data["rois"]["roi"]) == len(data["footprints"]["counts"]) == len(data["full"]) == rois
    assert (data["raster"] is None) == (rois == 0)


def test_decisions_about_an_extraction_that_found_nothing_now():
    lost = example(Curation, roi=[None], pixel_y=[[3, 3]], pixel_x=[[4, 5]])
    inputs = example_session(rois=0, frames=300, side=64)
    page = render_session(replace(inputs, loaded={**inputs.loaded, "curation": lost}), PARAMETERS)
    assert "nothing to decide. 1 decision from before is of ROIs that are no more." in page
    assert [one["footprint"] for one in page_data(page)["curation"]["lost"]] == ["3:4-5"]


def test_rejected_rois_only(session):
    nothing = {"traces": session.traces.with_columns(accepted=pl.lit(False)),
               "spikes": session.spikes.with_columns(accepted=pl.lit(False))}  # fmt: skip
    page = render_session(replace(session, **nothing), PARAMETERS)
    assert "None of 40 ROIs is accepted" in page
    assert len(page_data(page)["raster"]["order"]) == 40


def test_unusable_traces(session):
    nan = pl.Series([[float("nan")] * 3000] * 40, dtype=pl.List(pl.Float32))
    nothing = pl.Series([None] * 40, dtype=pl.Float32)
    inputs = replace(
        session,
        traces=session.traces.with_columns(dff=nan, noise_level=nothing, snr=nothing, skew=nothing),
        spikes=session.spikes.with_columns(rate=nan, mean_rate=nothing),
    )
    data = page_data(render_session(inputs, PARAMETERS))
    assert np.isnan(values(data["full"]["0"]["dff"])).all()
    assert data["rois"]["noise"] == [None] * 40


def test_what_was_looked_for_and_what_may_be_noise_is_said(session, page):
    assert "Looked for: cells of 10 px (12 µm), from the pixel size." in page
    accepted = session.extraction_quality["accepted"][0]
    assert f"6 ROIs, 1 accepted, so about 1 of the {accepted} accepted cells may be noise." in page
    expected = session.rois.filter("accepted")["cell_probability"]
    assert f"about {round(expected.sum())} of {len(expected)} accepted ROIs are cells" in page
    assert "The movie shows cells" not in page
    other = example_extraction_quality(session.rois, diameter_seen=14.0, decoys_accepted=0, diameter_source="config")
    text = " ".join(search_facts(replace(session, extraction_quality=other)))
    assert "from the config. The movie shows cells of about 14 px (17 µm)." in text
    assert "none accepted" in text
    unjudged = session.rois.with_columns(cell_probability=pl.lit(None, pl.Float32))
    for decoys, end in ((0, "6 ROIs, none accepted."), (3, "6 ROIs, 3 accepted.")):
        nothing = example_extraction_quality(session.rois, accepted=0, decoys_accepted=decoys)
        facts = search_facts(replace(session, extraction_quality=nothing, rois=unjudged))
        assert facts[-1].endswith(end)
    unknown = example_extraction_quality(session.rois, decoys=None, decoys_accepted=None)
    flat = session.acquisition.model_copy(update={"pixel_size": None})
    assert search_facts(replace(session, extraction_quality=unknown, acquisition=flat, rois=unjudged)) == [
        "Looked for: cells of 10 px, from the pixel size."
    ]


def test_statistics_are_those_that_are_known_with_unit_and_meaning(session, page):
    found = {one["name"]: one for one in page_data(page)["statistics"]}
    assert "classifier_probability" not in found, "no ROI has one"
    assert found["peak"]["unit"] == "noise SD"
    assert found["peak"]["meaning"] == "largest value of its trace in the binned movie"
    assert found["inside"]["values"] == pytest.approx(session.rois["inside"].to_list(), rel=1e-3)


def test_what_caiman_says_of_its_rois_is_shown_where_the_table_has_it(session):
    known = {"snr": pl.Series(np.arange(40) / 4, dtype=pl.Float32), "space_correlation": pl.lit(0.9, pl.Float32)}
    page = render_session(replace(session, rois=session.rois.with_columns(**known)), PARAMETERS)
    found = {one["name"]: one for one in page_data(page)["statistics"]}
    assert found["snr"]["label"] == "the backend's SNR"
    assert found["snr"]["values"][:3] == [0, 0.25, 0.5]
    assert found["space_correlation"]["label"] == "footprint in the movie"


def test_silent_cells_are_a_group_of_their_own():
    inputs = example_session(rois=12, frames=300, side=64, silent=3)
    page = render_session(inputs, PARAMETERS)
    assert page_data(page)["rois"]["silent"] == [False] * 9 + [True] * 3
    assert '<option value="silent">visible, silent</option>' in page
    assert "of 9 ROIs found; 3 more cells are seen that never fire" in page


def test_backgrounds_are_those_that_there_are(session, page):
    backgrounds = page_data(page)["backgrounds"]
    assert [one["name"] for one in backgrounds] == ["mean", "maximum", "deviation", "correlation", "energy"]
    some = {"correlation": session.extraction_images["correlation"]}
    fewer = render_session(replace(session, extraction_images=some), PARAMETERS)
    assert [one["name"] for one in page_data(fewer)["backgrounds"]] == ["correlation"]
    assert page_data(fewer)["clips"] is None
    none = page_data(render_session(replace(session, extraction_images={}), PARAMETERS))
    assert [one["name"] for one in none["backgrounds"]] == ["mean"]


def test_peak_to_noise_is_shown_of_one_photon_recordings(session):
    images = session.extraction_images | {"peak_to_noise": session.extraction_images["energy"]}
    for preparation, shown in (("soma", False), ("one_photon", True)):
        acquisition = session.acquisition.model_copy(update={"preparation": preparation})
        page = render_session(replace(session, acquisition=acquisition, extraction_images=images), PARAMETERS)
        names = [one["name"] for one in page_data(page)["backgrounds"]]
        assert ("peak_to_noise" in names) == shown
        assert "correlation" in names


def test_without_a_clip_of_the_motion_there_is_no_room_for_it(session):
    images = {name: image for name, image in session.motion_images.items() if not name.startswith("clip")}
    page = render_session(replace(session, motion_images=images), PARAMETERS)
    assert page_data(page)["motionClip"] is None
    assert 'id="motionclip"' not in page


def write_session(session: SessionInputs, folder: Path) -> dict[str, Path]:
    tables = {"frames": Frames, "raw_quality": RawQuality, "shifts": Shifts, "motion_quality": MotionQuality,
              "rois": Rois, "extraction_quality": ExtractionQuality, "traces": Traces, "spikes": Spikes}  # fmt: skip
    paths = {name: folder / f"{name}.parquet" for name in tables}
    for name, table in tables.items():
        write_table(paths[name], table, getattr(session, name), session.provenance)
    for name in ("raw_images", "motion_images", "extraction_images"):
        paths[name] = folder / f"{name}.npz"
        write_arrays(paths[name], **getattr(session, name))
    paths["acquisition"] = folder / "acquisition.json"
    write_text(paths["acquisition"], session.acquisition.model_dump_json())
    return paths


def test_the_same_page_from_files(session, page, tmp_path):
    loaded = load_session(write_session(session, tmp_path), "default")
    assert "fluorescence" not in loaded.traces.columns
    assert render_session(loaded, PARAMETERS) == page


def test_what_the_step_of_responses_says_is_on_the_page(session, tmp_path):
    paths = write_session(session, tmp_path)
    lost = Notice("no_response", "30% of responses are missing; look at the bad frames")
    paths["responses"] = tmp_path / "responses.parquet"
    write_table(
        paths["responses"], Responses, empty(Responses), provenance("responses", {}, [], [paths["spikes"]], [lost])
    )
    found = next(one for one in session_warnings(load_session(paths, "default"), PARAMETERS) if one.step == "responses")
    assert (found.kind, found.action) == ("no_response", "Look at the bad frames.")
    page = render_session(load_session(paths, "default"), PARAMETERS)
    assert page.count("30% of responses are missing") == 1, "a short notice is its own title"


def test_tables_of_different_extractions_are_refused(session, tmp_path):
    paths = write_session(replace(session, spikes=session.spikes.head(5)), tmp_path)
    with pytest.raises(InputError, match=r"spikes\.parquet: has other ROIs than .*rois\.parquet; run"):
        load_session(paths, "default")


BIG = r"""
import re, sys, time
from pathlib import Path
from tests.unit.report.report_decode import page_data
from tests.unit.report.report_example import example_session
from groundtrace.report.parameters import ReportParameters
from groundtrace.report.session import render_session
session = example_session(rois=1000, frames=50_000, side=512, copies=25, clips=40)
began = time.perf_counter()
page = render_session(session, ReportParameters(trace_bytes=6_000_000, trace_points=5000))
data = page_data(page)
assert len(data["clips"]["rois"]) > 5 and data["motionClip"] and len(data["light"]) == 2 and len(data["full"]) > 5
# Not getrusage's, which begins with the peak of the process that started this one.
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]
print(len(page.encode()), time.perf_counter() - began, peak)
"""


def test_a_thousand_rois_of_fifty_thousand_frames_fit(root):
    """The largest page the parameters allow: below 10 MB, made in less than 2 GiB (with the data) and in seconds."""
    done = subprocess.run(
        [sys.executable, "-c", BIG],
        env={"PYTHONPATH": f"{root / 'workflow' / 'src'}:{root}", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    size, seconds, kilobytes = map(float, done.stdout.split())
    print(f"{size / 1e6:.2f} MB in {seconds:.1f} s, peak {kilobytes / 2**20:.2f} GiB")
    assert size < 10_000_000
    assert kilobytes < 2 * 2**20
