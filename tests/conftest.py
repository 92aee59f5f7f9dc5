"""Tests keep compiled code in a folder of their own, which the processes of pytest-xdist share."""

import os
import shutil
import signal
import tempfile

import pytest


def pytest_configure(config):
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="gradtape-tests-")
    os.environ["GRADTAPE_CACHE_DIR"] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture
def interrupts():
    """SIGINT interrupts, also where the tests run in the background and it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
