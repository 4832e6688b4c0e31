"""`python tests/independent verify …`, or `python -m independent verify …` with tests/ on the path."""

import sys
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from independent.command import main

sys.exit(main())
