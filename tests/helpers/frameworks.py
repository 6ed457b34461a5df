"""Libraries of others that a test needs, or is skipped; they may warn while they are imported."""

import importlib
import warnings

import pytest


def import_or_skip(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError as error:
            pytest.skip(f"needs {name}: {error}", allow_module_level=True)
