"""The report of a review: one model, built from the review and its frozen evidence by a pure function.

One module for each section, listed in `build.py` in the order of the hand-written reviews. A section says what it can
prove and nothing else: a sentence without a reference to its evidence does not exist. How it looks is not known here:
no Markdown, no HTML; and nothing is read but values.
"""
