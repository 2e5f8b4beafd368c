"""The cast and the table of ``tests/test_permissions.py``: who may do what at which address."""
