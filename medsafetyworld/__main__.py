"""`python -m medsafetyworld` is the command `medsafetyworld`."""

import sys

from medsafetyworld.cli import main

if __name__ == "__main__":
    sys.exit(main())
