"""Tools shared by convert_data.py, fine_tune.py, inference.py and serve.py."""
