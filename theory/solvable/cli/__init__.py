"""The command ``solvable``."""
