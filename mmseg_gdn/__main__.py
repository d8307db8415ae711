"""``python -m mmseg_gdn``: what is installed, whether it works, and what to do if it does not."""

import argparse
import sys

from .doctor import report

if __name__ == '__main__':
    parser = argparse.ArgumentParser('python -m mmseg_gdn', description=__doc__)
    parser.add_argument('config', nargs='?', help='a config: can its training start? The exit status is 1 if not')
    sys.exit(report(parser.parse_args().config))
