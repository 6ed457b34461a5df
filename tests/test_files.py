"""Atomic writing: a file is whole or not there at all."""

import os
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from bytepiece import Model, Trainer, files
from bytepiece.files import atomic_writer, check_writable, remove_abandoned
from helpers.processes import needs_dev_full, needs_posix, run_python


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory, byte_model):
    """A folder with a model ``old``, after saving to it, and to ``new``, where a file can have 1000 bytes at most."""
    folder = tmp_path_factory.mktemp("full")
    byte_model.save(folder / "old")
    code = """
        import resource, sys
        from bytepiece import Model
        bytes_only = Model([bytes([byte]) for byte in range(256)], [1] * 256)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        errors = 0
        for path in sys.argv[1:]:
            try:
                bytes_only.save(path)
            except OSError:
                errors += 1
        sys.exit(errors)
    """
    paths = [folder / "old", folder / "new"]
    done = run_python(code, *paths)
    assert (done.returncode, done.stderr) == (2, ""), "each save must fail with an OSError"
    return folder


class Stop(BaseException):
    """Not an `Exception`, as `KeyboardInterrupt` is not."""


class TestSuccess:
    def test_new_file(self, tmp_path):
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
        assert (tmp_path / "f").read_bytes() == b"new"

    def test_replaces_a_file(self, tmp_path):
        (tmp_path / "f").write_bytes(b"a longer old content")
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
        assert (tmp_path / "f").read_bytes() == b"new"

    def test_path_as_str(self, tmp_path):
        with atomic_writer(str(tmp_path / "f")) as file:
            file.write(b"new")
        assert (tmp_path / "f").read_bytes() == b"new"

    def test_relative_path(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with atomic_writer("f") as file:
            file.write(b"new")
        assert (tmp_path / "f").read_bytes() == b"new"

    def test_leaves_nothing_else(self, tmp_path):
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
        assert os.listdir(tmp_path) == ["f"]

    def test_old_content_is_there_until_the_end(self, tmp_path):
        (tmp_path / "f").write_bytes(b"old")
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
            file.flush()
            assert (tmp_path / "f").read_bytes() == b"old"

    def test_who_reads_the_old_file_keeps_it(self, tmp_path):
        (tmp_path / "f").write_bytes(b"old")
        with (tmp_path / "f").open("rb") as reader:
            with atomic_writer(tmp_path / "f") as file:
                file.write(b"new")
            assert reader.read() == b"old"

    def test_longest_name(self, tmp_path):
        name = "n" * 255
        with atomic_writer(tmp_path / name) as file:
            file.write(b"new")
        assert os.listdir(tmp_path) == [name]

    @needs_posix
    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o400])
    def test_permissions_are_kept(self, tmp_path, mode):
        (tmp_path / "f").write_bytes(b"old")
        (tmp_path / "f").chmod(mode)
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == mode

    @needs_posix
    @pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
    def test_permissions_of_a_new_file_follow_the_umask(self, tmp_path, umask):
        old = os.umask(umask)
        try:
            with atomic_writer(tmp_path / "f") as file:
                file.write(b"new")
        finally:
            os.umask(old)
        assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o666 & ~umask

    @needs_posix
    def test_umask_stays(self, tmp_path):
        before = os.umask(0o027)
        try:
            with atomic_writer(tmp_path / "f") as file:
                file.write(b"new")
            assert os.umask(0o027) == 0o027
        finally:
            os.umask(before)


@needs_posix
class TestLinks:
    def test_link_stays_and_its_target_changes(self, tmp_path):
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "target").write_bytes(b"old")
        (tmp_path / "link").symlink_to("folder/target")
        with atomic_writer(tmp_path / "link") as file:
            file.write(b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder" / "target").read_bytes() == b"new"

    def test_link_to_nothing_makes_its_target(self, tmp_path):
        (tmp_path / "link").symlink_to("target")
        with atomic_writer(tmp_path / "link") as file:
            file.write(b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "target").read_bytes() == b"new"

    def test_link_to_itself_is_an_error(self, tmp_path):
        (tmp_path / "link").symlink_to("link")
        with pytest.raises(OSError, match="symbolic links"), atomic_writer(tmp_path / "link"):
            pass

    def test_named_pipe_is_written_directly(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        got = []
        reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()), daemon=True)
        reader.start()
        with atomic_writer(tmp_path / "pipe") as file:
            file.write(b"new")
        reader.join()
        assert got == [b"new"]
        assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)

    def test_open_pipe_by_its_descriptor_is_written_directly(self):
        """As /dev/stdout is when standard output is a pipe: a link that only the system can follow."""
        read_end, write_end = os.pipe()
        with open(read_end, "rb") as reader:
            try:
                with atomic_writer(f"/dev/fd/{write_end}") as file:
                    file.write(b"new")
            finally:
                os.close(write_end)
            assert reader.read() == b"new"


class TestFailure:
    @pytest.fixture
    def old(self, tmp_path):
        (tmp_path / "f").write_bytes(b"old")
        return tmp_path / "f"

    @pytest.mark.parametrize("error", [ValueError, OSError, MemoryError, KeyboardInterrupt, GeneratorExit, Stop])
    def test_old_content_is_kept(self, old, error):
        with pytest.raises(error), atomic_writer(old) as file:  # noqa: PT012
            file.write(b"new" * 100_000)
            raise error
        assert old.read_bytes() == b"old"

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_no_other_file_stays(self, old, error):
        with pytest.raises(error), atomic_writer(old) as file:  # noqa: PT012
            file.write(b"new" * 100_000)
            raise error
        assert os.listdir(old.parent) == ["f"]

    def test_no_file_where_there_was_none(self, tmp_path):
        with pytest.raises(ValueError, match="stop"), atomic_writer(tmp_path / "f") as file:  # noqa: PT012
            file.write(b"new")
            raise ValueError("stop")
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("function", ["fsync", "replace"])
    def test_error_of_the_system_at_the_end(self, old, monkeypatch, function):
        def fail(*args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, function, fail)
        with pytest.raises(OSError, match="No space left"), atomic_writer(old) as file:
            file.write(b"new")
        assert os.listdir(old.parent) == ["f"]
        assert old.read_bytes() == b"old"

    def test_name_in_the_error_is_that_of_the_file(self, tmp_path):
        with pytest.raises(FileNotFoundError) as caught, atomic_writer(tmp_path / "nowhere" / "f"):
            pass
        assert Path(caught.value.filename).name in ("f", "nowhere")

    def test_missing_folder_is_not_made(self, tmp_path):
        with pytest.raises(FileNotFoundError), atomic_writer(tmp_path / "nowhere" / "f"):
            pass
        assert os.listdir(tmp_path) == []

    def test_file_instead_of_a_folder(self, old):
        with pytest.raises(NotADirectoryError), atomic_writer(old / "f"):
            pass

    def test_directory(self, tmp_path):
        with pytest.raises(IsADirectoryError), atomic_writer(tmp_path):
            pass

    @needs_dev_full
    def test_full_device(self):
        with pytest.raises(OSError, match="No space left"), atomic_writer("/dev/full") as file:
            file.write(b"new")


@needs_posix
@pytest.mark.slow
class TestSavingOnAFullDisk:
    def test_the_old_model_stays(self, full_disk, byte_model):
        assert Model.load(full_disk / "old") == byte_model

    def test_no_part_of_a_new_one_stays(self, full_disk):
        assert os.listdir(full_disk) == ["old"]


ABANDONED = ".bytepiece-0123456789abcdef.tmp"


class TestAbandoned:
    """Temporary files of processes that were killed."""

    def killed(self, folder, signal_name):
        """Write half of a file in a process that is then killed."""
        code = """
            import os, signal, sys
            from bytepiece.files import atomic_writer
            with atomic_writer(sys.argv[1]) as file:
                file.write(b"half")
                file.flush()
                os.kill(os.getpid(), getattr(signal, sys.argv[2]))
        """
        assert run_python(code, folder / "f", signal_name).returncode

    @pytest.mark.slow
    @needs_posix
    @pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGTERM"])
    def test_is_left_and_removed(self, tmp_path, signal_name):
        self.killed(tmp_path, signal_name)
        (left,) = os.listdir(tmp_path)
        assert left.endswith(".tmp")
        remove_abandoned(tmp_path)
        assert os.listdir(tmp_path) == []

    def test_what_is_being_written_stays(self, tmp_path):
        (tmp_path / ABANDONED).write_bytes(b"half")
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
            remove_abandoned(tmp_path)
            assert len(os.listdir(tmp_path)) == 1
        assert os.listdir(tmp_path) == ["f"]
        assert (tmp_path / "f").read_bytes() == b"new"

    @needs_posix
    @pytest.mark.parametrize("module", ["chmod", "replace"])
    def test_what_was_written_and_has_no_name_yet_stays(self, tmp_path, monkeypatch, module):
        (tmp_path / "f").write_bytes(b"old")
        function = getattr(os, module)

        def removing(*given):
            remove_abandoned(tmp_path)
            function(*given)

        monkeypatch.setattr(os, module, removing)
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
        assert (tmp_path / "f").read_bytes() == b"new"

    @needs_posix
    def test_what_is_not_locked_yet_may_be_removed(self, tmp_path, monkeypatch):
        """The writer then makes another one."""
        lock = files._lock
        removed = []

        def removing(file):
            if not removed:
                removed.extend(os.listdir(tmp_path))
                remove_abandoned(tmp_path)
            return lock(file)

        monkeypatch.setattr(files, "_lock", removing)
        with atomic_writer(tmp_path / "f") as file:
            file.write(b"new")
        assert removed[0].endswith(".tmp")
        assert os.listdir(tmp_path) == ["f"]
        assert (tmp_path / "f").read_bytes() == b"new"

    @pytest.mark.slow
    def test_what_another_process_is_writing_stays(self, tmp_path):
        code = """
            import sys
            from bytepiece.files import atomic_writer
            with atomic_writer(sys.argv[1]) as file:
                file.write(b"new")
                print("writing", flush=True)
                sys.stdin.read()
        """
        command = [sys.executable, "-c", textwrap.dedent(code), tmp_path / "f"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            remove_abandoned(tmp_path)
            process.stdin.close()
        assert process.returncode == 0
        assert (tmp_path / "f").read_bytes() == b"new"

    @pytest.mark.parametrize("name", ["f", "f.tmp", ".bytepiece-f", "bytepiece-0123456789abcdef.tmp", ".other-0.tmp"])
    def test_other_files_stay(self, tmp_path, name):
        (tmp_path / name).touch()
        remove_abandoned(tmp_path)
        assert os.listdir(tmp_path) == [name]

    def test_a_folder_of_that_name_stays(self, tmp_path):
        (tmp_path / ABANDONED).mkdir()
        remove_abandoned(tmp_path)
        assert os.listdir(tmp_path) == [ABANDONED]


@pytest.mark.parametrize("name", ["new", "old", "folder", "nowhere/new", "old/new", ""])
def test_wrong_paths_are_found_before_there_is_anything_to_write(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("old").write_bytes(b"old")
    errors = []
    for attempt in (lambda: check_writable(name), lambda: atomic_writer(name).__enter__()):
        try:
            attempt()
        except OSError as error:
            errors.append((type(error), error.filename))
        else:
            errors.append(None)
    assert errors[0] == errors[1]


@needs_posix
def test_a_pipe_is_not_opened_to_be_checked(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    check_writable(tmp_path / "pipe")


def test_a_folder_that_must_not_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(PermissionError):
        check_writable(tmp_path / "new")


@pytest.mark.parametrize("method", ["count_ngrams", "count_pieces", "take_sample", "count_tokens"])
def test_no_text_is_read_for_an_output_that_cannot_be_written(tmp_path, method):
    class Texts:
        def __iter__(self):
            return (pytest.fail("read") for _ in "a")

    trainer, files, output = Trainer(vocab_size=300), [], tmp_path / "nowhere" / "out"
    if method == "count_tokens":
        trainer.train(["a clock\n"] * 9, progress=False)
        trainer.save(tmp_path / "draft")
        files = [[tmp_path / "draft"]]
    if method == "count_pieces":
        files = [[]]
    with pytest.raises(FileNotFoundError):
        getattr(trainer, method)(Texts(), *files, output, progress=False)


def test_an_int_is_no_path():
    """It would be the number of an open file."""
    with pytest.raises(TypeError), atomic_writer(2):
        pass
