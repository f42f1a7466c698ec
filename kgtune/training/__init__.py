"""Fine-tuning: from training rows to an adapter that is kept.

stages.py tells the order: preparing.py before any weights are loaded, tuning.py from the trainer to the kept model,
measuring.py before and after. supervision.py says what is learnt; training.py sets up the trainer. An update:
batching.py chooses its rows, passes.py lays them out, answer_loss.py and fused_adapter.py compute, rows_trainer.py runs
it. A run: checkpoints.py, resumption.py and stopping.py make it survive, processes.py shares it, selection.py keeps its
best update, merging.py folds the result into the base. What can go wrong: rehearsal.py asks before anything is loaded
(screening.py, kgtune/planning), proofs.py, effective.py and probe.py before the first step, guard.py on the way; their
codes stand in kgtune/checks/CODES.md. pace.py tells how it is getting on, card.py what came of it.
"""
