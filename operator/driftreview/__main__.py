"""`python -m driftreview` and the console scripts `driftreview` and `kubectl-drift`."""

from driftreview.cli.app import main

if __name__ == "__main__":
    main()
