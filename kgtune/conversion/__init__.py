"""convert_data.py's rooms: documents in, training data out, in two passes over data that is never held in memory.

conversion.py tells the stages in order. Readers are in kgtune.sources, findings in kgtune.lint.
"""
