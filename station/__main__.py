"""``python -m station``: the same as the program ``station``."""

import sys

from station.cli import main

sys.exit(main())
