"""``python -m mmseg_gdn``: the same as the command ``mmseg-gdn``."""

from .cli.main import main

if __name__ == '__main__':
    main()
