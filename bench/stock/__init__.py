"""What a competent Django developer would write today for the same tables: the implementation to compare with."""
