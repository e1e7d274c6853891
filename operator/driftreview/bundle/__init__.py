"""A review as one file that proves itself: written, read, signed and verified, all of it on bytes.

What is read here may come from anybody: it is bounded before it is unpacked, and nothing of it is ever written to a
disk. Never import adapters, runtime or cli here.
"""
