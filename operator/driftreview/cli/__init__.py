"""The command line: `driftreview …`, also installed as `kubectl drift …`."""
