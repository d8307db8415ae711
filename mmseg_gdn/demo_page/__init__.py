"""The page of ``tools/demo_page.py``, on which two models segment a photograph."""
