"""Parts of ``tools/train.py``."""
