"""Business rules (entities.md §6): what the server computes, completes and refuses, in every channel.

They run inside the transaction of the write. Four moments: ``complete`` a new record's empty fields, ``check`` the
record before it is saved (also computes its own columns), ``settle`` the neighbours after it was saved, ``remove``
the neighbours of a record that is being deleted.
"""
