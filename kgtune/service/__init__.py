"""The HTTP service: routes and their types, the engine that owns the model, and the edge around both.

service.py puts it together; engine.py is the one thread that extracts. web/ is what browsers get.
"""
