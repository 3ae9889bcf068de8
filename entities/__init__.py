"""What exists: the kinds of record, their fields and business rules. Knows nothing of callers, rights or HTTP."""
