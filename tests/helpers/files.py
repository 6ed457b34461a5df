"""Files to read, and how they are packed."""

import gzip
import lzma

TEXT = "the cat sat on the mat\r\n\n\nthe hat, the rat: 你好，世界 42 😀\n".encode() * 20
PACKERS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


def content(folder):
    """The bytes of all files in a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
