"""The running operator: kopf wiring, the loop, the Lease, health, own metrics, settings.

The only place that imports kopf. Decisions belong in `domain`, IO in `adapters`; here they are only connected.
"""
