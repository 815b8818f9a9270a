"""Waiting for a page."""

import time

from playwright.sync_api import Page


def until(page: Page, condition: str, seconds: float = 5) -> None:
    """Wait until an expression is true; the page's own policy forbids Playwright's `wait_for_function`."""
    ends = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < ends, f"never true: {condition}"
        page.wait_for_timeout(20)
