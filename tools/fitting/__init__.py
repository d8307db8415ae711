"""Parts of ``tools/fit_kernels.py``: what it can work on, the images it fits to, and how it trains."""

NOT_IMPROVED = 3  # exit status
