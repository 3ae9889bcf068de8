"""The classic contract ``sagecrm``: read-only Atom with SData payloads, over the same records (contract.md §18)."""
