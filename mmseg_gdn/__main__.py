"""``python -m mmseg_gdn``: what is installed, whether it works, and what to do if it does not."""

import sys

from .doctor import report

if __name__ == '__main__':
    sys.exit(report())
