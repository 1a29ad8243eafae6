"""The harness: describes the machine, boots it, watches it, judges what it prints.

Nothing here knows pytest (that is test/conftest.py), so that test/run.py and test/boots.py
use the same code as the graded tests.
"""
