"""The section on denoising: every trace of every method in its table, controls marked, movies without events apart."""

import re
from dataclasses import asdict

import polars as pl
import pytest

from groundtrace.benchmark.denoising import denoising_row
from groundtrace.benchmark.parameters import BenchmarkParameters
from groundtrace.report.comparison import Recordings
from groundtrace.report.recordings import render_recordings
from tests.unit.report.recordings_example import conditions, example_tables

PSNR = {"none": 20.0, "network": 35.0, "boxcar": 27.0}
NULL = dict(zip(("sub-s0/ses-1", "sub-s1/ses-1", "sub-s2/ses-1"), ("static", "frames", "blocks"), strict=True))


def scores() -> pl.DataFrame:
    """Eight sessions, three of them without events."""
    rows = []
    for where in conditions():
        null = NULL.get(where["session"])
        for method, psnr in PSNR.items():
            row = where | {
                "motion_method": "none",
                "denoise": method,
                "null_movie": null,
                "rois": 20,
                "events": 90,
                "rare_events": 0,
            }
            row |= {"psnr": psnr, "ssim": psnr / 40, "wobble": 10 / psnr if null is None else 0.25, "border_shift": 0.1}
            traces = ("movie",) if method == "none" else ("movie", "smoothed")
            if null:
                row |= {
                    "events": 0,
                    **{f"{trace}_false_events": {"static": 2.5, "frames": 1.5}.get(null, 0.5) for trace in traces},
                }
            else:
                row |= {f"{trace}_correlation": psnr / 40 if trace == "movie" else 0.95 for trace in traces}
                row |= {f"{trace}_spike_correlation": 0.5 for trace in traces} | {"clean_spike_correlation": 0.875}
                row |= (
                    {"movie_slope": 1.0, "movie_slope_error": 0.0625} if method == "none" else {"smoothed_slope": 0.75}
                )
                band = {"coverage": 0.9, "coverage_error": 0.01, "coverage_events": 0.8, "band_ratio": 0.5}
                row |= band if method != "none" else {}
            rows.append(denoising_row(row))
    return pl.concat(rows)


def page(denoising: pl.DataFrame) -> str:
    tables = asdict(example_tables(cells=10))
    return render_recordings(Recordings(**tables, parameters=BenchmarkParameters(bootstrap=20), denoising=denoising))


@pytest.fixture(scope="module")
def section() -> str:
    return page(scores()).split('<section id="denoising">')[1].split("</section>")[0]


def boards(section: str) -> dict[str, dict[str, list[str]]]:
    """Rows of each table by their first cell, by its heading."""
    found = {}
    for title, body in re.findall(
        r"<h3>(.*?)</h3>\s*(?:<p.*?</p>\s*)?<div class=\"panel scroll\">(.*?)</table>", section, re.S
    ):
        rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("<tr>")[2:]]
        cells = [[re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in rows]
        found[title] = {row[0].removesuffix(" control"): row for row in cells}
    return found


def test_movies_are_ordered_and_still_ones_apart(section):
    board = boards(section)["The movie, pixel by pixel"]
    assert list(board) == ["network", "boxcar", "none"]
    assert board["none"][0] == "none control"
    assert [board["network"][k].split()[0] for k in (3, 5, 6)] == ["35", "0.286", "0.25"]


def test_each_movie_has_a_row_and_the_smoothed_traces_one(section):
    board = boards(section)["dF/F of the true footprints"]
    assert set(board) == {"network, movie", "boxcar, movie", "smoothed", "measured", "without noise"}
    assert board["network, movie"][3].split()[0] == "0.875"
    assert board["smoothed"][3].split()[0] == "0.95"
    assert board["without noise"][10].split()[0] == "0.875"
    assert board["without noise"][0].endswith("control")
    # Five sessions with events.
    assert board["measured"][1] == "5"


def test_false_events_stand_under_the_kind_of_movie(section):
    board = boards(section)["False events per ROI and minute, in movies without any"]
    assert board["smoothed"][3:6] == ["2.5", "1.5", "0.5"]
    assert set(boards(section)["The 90 % credible band around dF/F"]) == {"smoothed"}


def test_each_recording_has_a_row_with_errors_beside_the_measured_trace(section):
    rows = boards(section)["Smoothed dF/F, recording by recording"]
    assert len(rows) == 5
    photons = [float(row[1]) for row in rows.values()]
    assert photons == sorted(photons)
    assert next(iter(rows.values()))[2:] == ["20", "0.9 ± 0.01", "0.8", "0.5", "90", "0.75", "1 ± 0.062", "0", "–", "–"]


def test_curves_run_along_the_light(section):
    titles = re.findall(r"<h3>([^<]* against [^<]*)</h3>", section)
    assert len(titles) == 5
    assert all(title.endswith("against photons per pixel and frame") for title in titles)
    assert "nan" not in section


def test_nothing_denoised_is_no_section():
    without = page(scores().clear())
    assert 'id="denoising"' not in without
    assert "<h1>Which motion correction, extraction and recipe" in without
    assert "<h1>Which motion correction, denoising, extraction and recipe" in page(scores())
