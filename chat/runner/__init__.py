"""Runs are executed here: claimed under a lease, driven through the agent loop, ended in one transaction.

Services only write rows and call `runner.wake` and `runner.stop`, from any thread.
"""

from chat.runner.process import runner

__all__ = ["runner"]
