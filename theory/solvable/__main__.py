"""``python -m solvable`` is the command ``solvable``."""

import sys

from solvable.cli import main

sys.exit(main())
