"""Helpers of ``tools/reproduce.py``: the plan, its execution, its estimates, and the final table."""
