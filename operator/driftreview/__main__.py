"""`python -m driftreview` and the console scripts `driftreview` and `kubectl-drift`."""

import os

# Before numpy is loaded: its threads gain nothing on matrices as small as ours, and cost up to three times the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from driftreview.cli.app import main

if __name__ == "__main__":
    main()
