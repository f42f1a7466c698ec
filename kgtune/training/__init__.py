"""Fine-tuning: from training rows to an adapter that is kept.

tuning.py tells the stages in order; training.py is the trainer; supervision.py says what is learnt.
"""
