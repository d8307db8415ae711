"""Helpers of ``tools/predict.py``."""
