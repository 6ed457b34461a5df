"""``python -m bytepiece`` is the command ``bytepiece``."""

import sys

from bytepiece.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
