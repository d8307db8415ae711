"""A config whose copies on disk are whole."""

from __future__ import annotations

import os

from mmengine.config import Config

from .files import atomic_write


class WholeConfig(Config):
    """mmengine's ``Config``, which writes a file completely or not at all; runners copy it to their work folder."""

    @classmethod
    def of(cls, cfg: Config) -> WholeConfig:
        """The same config; nothing is copied.

        Args:
            cfg: A config.
        """
        other = cls.__new__(cls)
        other.__dict__.update(cfg.__dict__)
        return other

    def dump(self, file: str | os.PathLike | None = None) -> str | None:
        """Write the config.

        Args:
            file: The file; by default, the text is returned.

        Raises:
            InputError: If it cannot be written. An older file is untouched then.
        """
        if file is None:
            return super().dump()
        with atomic_write(file) as partial:
            super().dump(partial)
        return None
