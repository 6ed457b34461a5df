"""The Cython extensions and their build profiles.

``BYTEPIECE_BUILD`` chooses the profile:

* ``release`` (default): optimized, no checks;
* ``checked``: Cython's bounds checks, and its assertions;
* ``sanitize``: AddressSanitizer and UndefinedBehaviorSanitizer (gcc or clang; run the tests with
  ``LD_PRELOAD=$(gcc -print-file-name=libasan.so)`` and ``PYTHONMALLOC=malloc``).
"""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

MODULES = [
    "bytepiece.core.alphabet",
    "bytepiece.core.automaton",
    "bytepiece.core.sorting",
    "bytepiece.core.segment",
    "bytepiece.core.sampling",
    "bytepiece.core.stream",
    "bytepiece.core.nfc",
    "bytepiece.core.offsets",
    "bytepiece.model.kernels",
    "bytepiece.core.names",
    "bytepiece.training.counting.kernels",
    "bytepiece.training.discovery.kernels",
    "bytepiece.training.pruning.kernels",
    "bytepiece.training.refinement.kernels",
]

PROFILES = ("release", "checked", "sanitize")
profile = os.environ.get("BYTEPIECE_BUILD", "release")
if profile not in PROFILES:
    sys.exit(f"BYTEPIECE_BUILD={profile!r}: expected one of {', '.join(PROFILES)}")

# Sums of scores decide between segmentations, so no flag may reorder or contract floating point.
if sys.platform == "win32":
    compile_args, link_args = ["/O2", "/fp:strict"], []
else:
    compile_args, link_args = ["-O3", "-ffp-contract=off", "-fno-math-errno"], []

checks = profile != "release"
macros = [] if checks else [("CYTHON_WITHOUT_ASSERTIONS", "1")]
if profile == "sanitize":
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compile_args += ["-g", "-O1", "-fno-omit-frame-pointer", *sanitizers]
    link_args += sanitizers

extensions = [
    Extension(
        name,
        [name.replace(".", "/") + ".pyx"],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        define_macros=macros,
    )
    for name in MODULES
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir=os.path.join("build", f"cython-{profile}"),
        compiler_directives={
            "language_level": 3,
            "boundscheck": checks,
            "wraparound": False,
            "initializedcheck": checks,
            "cdivision": True,
            "freethreading_compatible": True,
        },
    ),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
