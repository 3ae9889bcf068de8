"""The proof that nothing leaks: two worlds that differ only in what one user may not see answer that user alike.

``hidden`` finds what the user may not see and changes it, ``asking`` makes the requests, ``caller`` sends them,
``worlds`` compares, ``shrinking`` makes what was found small, ``told`` puts it into words.
"""

from crm.proof.worlds import NotStill, Outcome, UnknownUser, prove

__all__ = ["NotStill", "Outcome", "UnknownUser", "prove"]
