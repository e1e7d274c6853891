"""What decides: plan, judge, statistics, schedule, evidence. Pure functions of frozen values.

Nothing here awaits, logs, reads a clock, or talks to anything. Imports only `driftreview.api`; never import
adapters, runtime or an IO library here.
"""
