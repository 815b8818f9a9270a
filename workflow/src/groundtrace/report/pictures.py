"""Images and clips packed into the session page: map backgrounds, sprite sheets of clips, each within a budget."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from groundtrace.arrays import FloatArray, IntArray
from groundtrace.report.html import contrast, png, shrink

IMAGES = {
    "mean": "mean",
    "maximum": "maximum",
    "deviation": "standard deviation",
    "correlation": "local correlation",
    "energy": "activity",
    "peak_to_noise": "peak to noise",
}
"""Backgrounds of the map, as they are called in the page."""
IMAGE_BYTES = 2_400_000
"""Most bytes of all backgrounds together."""
SIDES, QUALITIES = (1024, 512), (None, 92, 82)
"""px and JPEG qualities (None is PNG) that are tried in turn until the backgrounds fit."""
RANGE, SHOWN = (0.05, 99.98), (1.0, 99.6)
"""Percentiles that are black and white in the file, so that the sliders have room, and those that are at first."""
CLIP_QUALITIES = (82, 68, 52)
"""JPEG qualities of clips, tried in turn."""
COLUMNS = 8
"""Pictures side by side in a sprite sheet."""
MOTION_PARTS = (4, 3, 2)
"""Quarters of the motion's clip that are tried in turn."""
CLIP_BYTES, MOTION_BYTES = 2_500_000, 1_500_000
"""Most bytes of all clips of ROIs, and of the two of the motion."""


def backgrounds(images: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Backgrounds of the map that there are: {name, label, image, low, high}; low and high (0 to 255) are black and
    white at first. images: (Y, X), by the names of IMAGES."""
    present = {name: np.asarray(images[name], np.float32) for name in IMAGES if name in images}
    found: list[dict[str, Any]] = []
    for side in SIDES:
        for quality in QUALITIES:
            found = [_background(name, shrink(image, side), quality) for name, image in present.items()]
            if sum(len(one["image"]) for one in found) <= IMAGE_BYTES:
                return found
    return found


def _background(name: str, image: FloatArray, quality: int | None) -> dict[str, Any]:
    values = image[np.isfinite(image)]
    low, high, black, white = np.percentile(values, [*RANGE, *SHOWN]) if values.size else (0.0, 1.0, 0.0, 1.0)
    pixels = contrast(image, low, high)
    shown = [round(float(255 * (level - low) / max(high - low, 1e-9))) for level in (black, white)]
    return {
        "name": name,
        "label": IMAGES[name],
        "image": png(pixels) if quality is None else jpeg(pixels, quality),
        "low": min(max(shown[0], 0), 254),
        "high": max(min(shown[1], 255), min(max(shown[0], 0), 254) + 1),
    }


def jpeg(pixels: IntArray, quality: int) -> str:
    """8 bit grey image (Y, X) as the data URI of a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels, np.uint8)).save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def sprite(pictures: IntArray, quality: int) -> dict[str, Any]:
    """Pictures (n, h, w) uint8 in one JPEG: {sheet, count, columns, height, width, cellHeight, cellWidth}.

    Each stands in a cell of whole JPEG blocks, so that none shines into its neighbour.
    """
    count, height, width = pictures.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    cell = [-(-side // 8) * 8 for side in (height, width)]
    padded = np.pad(pictures, ((0, rows * columns - count), (0, cell[0] - height), (0, cell[1] - width)), mode="edge")
    sheet = padded.reshape(rows, columns, *cell).swapaxes(1, 2).reshape(rows * cell[0], columns * cell[1])
    return {
        "sheet": jpeg(sheet, quality),
        "count": count,
        "columns": columns,
        "height": height,
        "width": width,
        "cellHeight": cell[0],
        "cellWidth": cell[1],
    }


def roi_clips(images: Mapping[str, np.ndarray], rois: np.ndarray, room: int) -> dict[str, Any] | None:
    """Clips of ROIs as sprites, by the position of the ROI, the first of them that fit into `room` bytes.

    images: arrays of `groundtrace.extraction.pictures.event_clips`; rois: (n,) numbers of the ROIs in their order.
    """
    if "clips" not in images or not len(images["clips"]):
        return None
    place = {int(roi): i for i, roi in enumerate(rois)}
    best: dict[str, Any] = {}
    for quality in CLIP_QUALITIES:
        found = _clips_within(images, place, quality, min(room, CLIP_BYTES))
        if len(found) > len(best):
            best = found
        if len(best) == len(images["clips"]):
            break
    return {"scale": int(images.get("clip_scale", 1)), "rois": best, "made": len(images["clips"])} if best else None


def _clips_within(
    images: Mapping[str, np.ndarray], place: Mapping[int, int], quality: int, room: int
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for k, roi in enumerate(images["clip_roi"].tolist()):
        clip = sprite(images["clips"][k], quality)
        room -= len(clip["sheet"]) + 200
        if room < 0:
            break
        if roi in place:
            y, x = images["clip_corner"][k].tolist()
            frame, step = int(images["clip_frame"][k]), int(images["clip_step"][k])
            found[str(place[roi])] = clip | {"y": y, "x": x, "frame": frame, "step": step}
    return found


def motion_clip(images: Mapping[str, np.ndarray], room: int) -> dict[str, Any] | None:
    """The clip of the worst motion, raw and registered, as sprites that fit into `room` bytes: what does not fit is
    first cut at its end, then shrunk to half its sides. None when there is none, or no room for it."""
    if "clip_raw" not in images:
        return None
    room = min(room, MOTION_BYTES)
    pair = {name: images[f"clip_{name}"] for name in ("raw", "registered")}
    for clips in (pair, {name: _halved(clip) for name, clip in pair.items()}):
        for part in MOTION_PARTS:
            count = -(-len(images["clip_raw"]) * part // MOTION_PARTS[0])
            for quality in CLIP_QUALITIES:
                found = {name: sprite(clip[:count], quality) for name, clip in clips.items()}
                if sum(len(one["sheet"]) for one in found.values()) <= room:
                    return {**found, "frame": int(images["clip_start"]), "step": int(images["clip_step"])}
    return None


def _halved(clip: IntArray) -> IntArray:
    """Mean of 2 x 2 pixels of pictures (n, h, w)."""
    count, height, width = clip.shape[0], max(clip.shape[1] // 2, 1), max(clip.shape[2] // 2, 1)
    blocks = clip[:, : 2 * height, : 2 * width]
    blocks = blocks.reshape(count, height, blocks.shape[1] // height, width, blocks.shape[2] // width)
    return blocks.mean(axis=(2, 4)).round().astype(np.uint8)
