"""Which packages are here."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from groundtrace.section import Backend


def require(method: Backend) -> None:
    """Skip the test where a package is not installed that the method runs."""
    for package in method.packages:
        try:
            version(package)
        except PackageNotFoundError:
            pytest.skip(f"{package} is not installed; envs/{method.environment}.yaml has it")
