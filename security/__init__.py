"""Who may see and do what: rights are compiled into one plan and enforced at one door, the gate."""
