"""The cases, written for each system.

A module has a class `System`, made with the mode. A method prepares a case, given its size, and returns the work: a
function without arguments that does it once and returns its results, all of them computed, in the system's own
arrays. The inputs come from `inputs.py` and are prepared outside the work.

The same work is called three times before its results are compared, so a step that trains goes on from where it was.
"""


class LeftOut(Exception):
    """A system does not take part in a case; the message says why."""
