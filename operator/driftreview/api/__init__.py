"""The resources of group driftreview.dev as pydantic models, their conditions and reasons, and the CRDs made of them.

Imports nothing else of ours: everybody imports this.
"""
