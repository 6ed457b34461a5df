"""Files to read, and how they are packed."""

import gzip
import lzma

TEXT = "the cat sat on the mat\r\n\n\nthe hat, the rat: 你好，世界 42 😀\n".encode() * 20
PACKERS = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}
