"""Variants of train documents that keep their labels true: one module an operation, and what all of them must keep.

augment.py draws and counts; invariants.py says what a variant must keep; tables/ holds the words.
"""
