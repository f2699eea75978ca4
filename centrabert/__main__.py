"""`python -m centrabert`: the console command, where the package is not installed."""

import sys

from centrabert.console import main

if __name__ == "__main__":
    sys.exit(main())
