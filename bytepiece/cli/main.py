"""The command ``bytepiece``: its parser, and how its errors end.

Each verb is in a file of its own, with its flags and the function that runs it. The work is done by the library.
"""

from __future__ import annotations

import _thread
import argparse
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from bytepiece import __version__
from bytepiece.cli import bench, convert, count, decode, encode, evaluate, inspect, shards, train, view
from bytepiece.cli.completion import add_completion
from bytepiece.cli.streams import say
from bytepiece.errors import BytePieceError

__all__ = ["main"]

SIGINT, SIGPIPE = 2, 13
_OF_THREADS = {
    function.__code__.co_filename for function in (threading.Thread.start, ThreadPoolExecutor.submit, Future.result)
}
"""The files of the library's code for threads."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns its exit status: 0, or 1 for an error; 128 plus the number of the signal where one ends it (Ctrl-C, SIGTERM,
    SIGHUP), or where whoever reads its output closes the pipe. Wrong usage raises `SystemExit` with status 2.
    """
    options = argparse.Namespace(verb="")
    try:
        _parser().parse_args(arguments, options)
        with _signals_raised():
            options.run(options)
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough. Python would fail again when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + SIGPIPE
    except KeyboardInterrupt:
        say(options.verb, "interrupted")
        return 128 + SIGINT
    except _Ended as ended:
        say(options.verb, f"ended by {signal.Signals(ended.number).name}")
        return 128 + ended.number
    except (BytePieceError, OSError, MemoryError) as error:
        say(options.verb, _message(error))
        return 1
    except RuntimeError as error:
        if str(error) != "can't start new thread":  # Python has no error of its own for this
            raise
        say(options.verb, f"{error}: raise the limit of memory or processes, or take fewer workers")
        return 1
    return 0


class _Ended(BaseException):
    """A signal ends the command."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Let the signals that end a job (SIGTERM), or whose terminal is gone (SIGHUP), raise an error, as Ctrl-C does.

    So half-written files are removed. Signals that are ignored, as by ``nohup``, stay so. Two cases need care. Python
    drops an error raised in a finalizer or in the callback of a weak reference. An error raised while a lock of
    `threading` is taken or released can leave it locked. In both cases the signal is sent again a moment later.
    """

    def end(number: int, frame: FrameType | None) -> None:
        if _takes_a_lock(frame):
            _send_again(number)
        else:
            raise KeyboardInterrupt if number == SIGINT else _Ended(number)

    def come_again(dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, (_Ended, KeyboardInterrupt)):
            _send_again(getattr(dropped.exc_value, "number", SIGINT))
        else:
            hook_before(dropped)

    here = threading.current_thread() is threading.main_thread()  # no other may
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if here and hasattr(signal, name)]
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.signal(number, end) for number in numbers if signal.getsignal(number) in usual}
    hook_before = sys.unraisablehook
    sys.unraisablehook = come_again
    try:
        yield
    finally:
        sys.unraisablehook = hook_before
        for number, handler in before.items():
            signal.signal(number, handler)


def _takes_a_lock(frame: FrameType | None) -> bool:
    """Whether a thread is within the library's code for threads, and not just waiting there, where it may be ended."""
    if frame is None or frame.f_code.co_filename not in _OF_THREADS:
        return False
    name = frame.f_code.co_name
    # A condition that waits has let go of its lock, and takes it back in any case: from this variable on.
    return name not in ("_wait_for_tstate_lock", "join") and not (name == "wait" and "gotit" in frame.f_locals)


def _send_again(number: int) -> None:
    # Not a thread of `threading`, whose locks may be taken here.
    _thread.start_new_thread(_send_to_main, (number, 0.002))


def _send_to_main(number: int, seconds: float) -> None:
    """Send a signal to the main thread after some time; it ends the thread's waits where the system can do that."""
    time.sleep(seconds)
    if hasattr(signal, "pthread_kill") and (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)


def _message(error: Exception) -> str:
    if isinstance(error, OSError):
        where = "" if error.filename is None else f"{error.filename or repr(error.filename)}: "
        return f"{where}{error.strerror or error}"
    return str(error) or "out of memory"  # a MemoryError has no text


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


@functools.cache  # for those who call `main` often, as tests do
def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bytepiece",
        description="Byte-level unigram tokenizer: train a vocabulary, encode text, decode ids.",
    )
    parser.add_argument("--version", action="version", version=f"bytepiece {__version__}")
    add_completion(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in (train, count, evaluate, bench, encode, decode, shards, inspect, view, convert):
        module.add_to(verbs)
    return parser
