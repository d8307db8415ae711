"""Evaluation: archives for the VOC server."""

from .voc_submission import VOCSubmission

__all__ = ['VOCSubmission']
