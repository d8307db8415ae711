"""Parts of ``tools/train.py``."""

LATEST, AUTO = 'latest', 'auto'
"""What to resume, if not a checkpoint by its path: the training in the work folder, or that training if it exists."""
