"""The Cython extensions and their build profiles.

``BYTEPIECE_BUILD`` chooses the profile:

* ``release`` (default): optimized, no checks;
* ``checked``: Cython's bounds checks, and its assertions;
* ``sanitize``: AddressSanitizer and UndefinedBehaviorSanitizer (gcc or clang; run the tests with
  ``LD_PRELOAD=$(gcc -print-file-name=libasan.so)`` and ``PYTHONMALLOC=malloc``);
* ``thread``: ThreadSanitizer (``LD_PRELOAD=$(gcc -print-file-name=libtsan.so)``);
* ``fuzz``: AddressSanitizer, and the counters by which libFuzzer sees what it reaches (clang: ``CC=clang``);
* ``fuzz-fast``: these counters alone, so that there are many times as many executions;
* ``coverage``: counters of executed lines, for gcov (gcc);
* ``work``: counters of executed basic blocks, for ``benchmarks/costs.py`` (gcc).
"""

import os
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

MODULES = [
    "bytepiece.core.alphabet",
    "bytepiece.core.automaton",
    "bytepiece.core.heap",
    "bytepiece.core.sorting",
    "bytepiece.core.packing",
    "bytepiece.core.ids",
    "bytepiece.core.decimal",
    "bytepiece.core.documents",
    "bytepiece.core.segment",
    "bytepiece.core.sampling",
    "bytepiece.core.nbest",
    "bytepiece.core.stream",
    "bytepiece.core.words",
    "bytepiece.core.nfc",
    "bytepiece.core.offsets",
    "bytepiece.model.rows",
    "bytepiece.core.names",
    "bytepiece.core.marks",
    "bytepiece.training.counting.kernels.segments",
    "bytepiece.training.counting.kernels.ngrams",
    "bytepiece.training.counting.kernels.pieces",
    "bytepiece.training.discovery.kernels.tables",
    "bytepiece.training.discovery.kernels.model",
    "bytepiece.training.discovery.kernels.cutting",
    "bytepiece.training.pruning.kernels.usage",
    "bytepiece.training.refinement.kernels.sample",
    "bytepiece.training.refinement.kernels.distinct",
    "bytepiece.training.refinement.kernels.characters",
    "bytepiece.training.refinement.kernels.documents",
    "bytepiece.training.refinement.kernels.pairs",
    "bytepiece.training.refinement.kernels.windows",
    "bytepiece.training.refinement.kernels.pruner",
]
# What Cython puts into every module, kept in one: the others are a fifth less to compile.
SHARED = "bytepiece.cython_utilities"
UNUSED_UTILITIES = ["CythonFunction", "MemoryView", "PythonClasses"]
SANITIZERS = {
    "sanitize": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "thread": ["-fsanitize=thread"],
    "fuzz": ["-fsanitize=address,fuzzer-no-link"],
    "fuzz-fast": ["-fsanitize=fuzzer-no-link"],
    "coverage": ["--coverage"],
    "work": ["-fsanitize-coverage=trace-pc"],
}
PROFILES = ("release", "checked", *SANITIZERS)

# Sums of scores decide between segmentations, so no flag may reorder or contract floating point.
EXACT = ["/fp:strict"] if sys.platform == "win32" else ["-ffp-contract=off", "-fno-math-errno"]


def optimization_of(name: str, profile: str) -> list[str]:
    """The compiler's flags that say how well and how checked a module is compiled."""
    if profile in SANITIZERS:
        return ["-O0" if profile == "coverage" else "-O1", "-g", "-fno-omit-frame-pointer", *SANITIZERS[profile]]
    if sys.platform == "win32":
        return ["/O2"]
    # -O3 makes encoding of Chinese, and sampling, a tenth faster, and discovery a fifth. The rest of training gains
    # nothing by it, and a module takes a quarter longer to compile.
    level = "-O3" if name.startswith(("bytepiece.core.", "bytepiece.training.discovery.")) else "-O2"
    # Debug information would take a quarter of the build, and nine tenths of the binaries.
    return [level, "-g0" if profile == "release" else "-g"]


def extensions(profile: str) -> list[Extension]:
    """The extensions, with the compiler's flags of a profile."""
    sources = {name: name.replace(".", "/") + ".pyx" for name in MODULES}
    sources[SHARED] = SHARED.replace(".", "/") + ".c"  # Cython writes it into its folder of the build
    return [
        Extension(
            name,
            [source],
            extra_compile_args=[*EXACT, *optimization_of(name, profile)],
            extra_link_args=SANITIZERS.get(profile, []),
            define_macros=[("CYTHON_WITHOUT_ASSERTIONS", "1")] if profile == "release" else [],
        )
        for name, source in sources.items()
    ]


def chosen_profile() -> str:
    profile = os.environ.get("BYTEPIECE_BUILD", "release")
    if profile not in PROFILES:
        sys.exit(f"BYTEPIECE_BUILD={profile!r}: expected one of {', '.join(PROFILES)}")
    return profile


class BuildKernels(build_ext):
    """Translate the modules to C, and compile them; several at a time.

    Nothing is translated, nor Cython imported, where pip only asks about the package, which it does twice before.
    """

    def finalize_options(self) -> None:
        super().finalize_options()
        # Not by the options of `setup()`: an editable install forgets them.
        self.parallel = self.parallel or os.cpu_count() or 1

    def run(self) -> None:
        from Cython.Build import cythonize

        profile = chosen_profile()
        checks = profile not in ("release", "coverage", "work")
        translated = cythonize(
            self.extensions,
            nthreads=self.parallel,
            shared_utility_qualified_name=SHARED,
            shared_utility_features_disabled=UNUSED_UTILITIES,
            build_dir=os.path.join("build", f"cython-{profile}"),
            compiler_directives={
                "language_level": 3,
                "boundscheck": checks,
                "wraparound": False,
                "initializedcheck": checks,
                "cdivision": True,
                "freethreading_compatible": True,
                # Functions as C has them, not as Python has: a third less to compile. Signatures are in the .pyi files.
                "binding": False,
            },
        )
        sources = {each.name: each.sources for each in translated}
        for extension in self.extensions:
            extension.sources = sources[extension.name]
        # The largest first: no processor waits long for the last one.
        self.extensions.sort(key=lambda extension: -os.path.getsize(extension.sources[0]))
        super().run()


# Translating starts processes, which import this file again on some systems.
if __name__ == "__main__":
    setup(
        ext_modules=extensions(chosen_profile()),
        cmdclass={"build_ext": BuildKernels},
    )
