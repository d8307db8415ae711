"""The commands ``mmseg-gdn`` and ``python -m mmseg_gdn``, over the same code as ``tools``."""
