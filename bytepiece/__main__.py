"""``python -m bytepiece`` is the command ``bytepiece``."""

import sys

from bytepiece.cli import main

if __name__ == "__main__":
    sys.exit(main())
