"""One file, one question, one figure: ``python -m experiments.<name> paper``."""
