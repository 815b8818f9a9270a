"""What the scripts of a page do with its data, in Python: the tests read pages as a browser would."""

import base64
import io
import json
import re
import zlib

import numpy as np
from PIL import Image


def page_data(page: str) -> dict:
    """The data block of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def unpack(text: str, dtype: str = "<i2") -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    size = np.dtype(dtype).itemsize
    return np.ascontiguousarray(planes.reshape(size, -1).T).view(dtype).ravel()


def values(packed: dict) -> np.ndarray:
    """Numbers of a packed series; NaN where there is none."""
    found = unpack(packed["data"]).astype(float)
    found[found == -(2**15)] = np.nan
    return found * packed["step"] + packed.get("origin", 0)


def image(uri: str) -> np.ndarray:
    prefix = "data:image/png;base64,"
    assert uri.startswith(prefix)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(prefix)))))
