"""A model measured on held-out documents, before and after. The measures themselves are in kgtune.scoring."""
