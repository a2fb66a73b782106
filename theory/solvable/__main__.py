"""``python -m solvable`` is the command ``solvable``."""

import sys

from solvable.cli.main import main

sys.exit(main())
