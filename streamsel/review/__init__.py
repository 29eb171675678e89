"""Who answers, and when an answer counts. Pure: no I/O, no clock."""
