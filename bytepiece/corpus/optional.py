"""Libraries that only some files need, imported when such a file comes."""

from __future__ import annotations

import importlib
from typing import Any

from bytepiece.errors import OptionalDependencyError

__all__ = ["import_optional"]


def import_optional(module: str, package: str, what: str) -> Any:
    """Import a module of an optional library.

    Args:
        module: its dotted name.
        package: the name under which pip installs the library.
        what: needs it, for the error.

    Raises `OptionalDependencyError`, saying what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise OptionalDependencyError(f"{what} needs {package} ({error}): pip install {package}") from error
