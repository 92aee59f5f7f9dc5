"""Tests keep compiled code in a folder of their own, which the processes of pytest-xdist share."""

import os
import shutil
import tempfile


def pytest_configure(config):
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="gradtape-tests-")
    os.environ["GRADTAPE_CACHE_DIR"] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
