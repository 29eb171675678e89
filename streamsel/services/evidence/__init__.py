"""What is on record about a query: how it came to be asked, who answered, what the answer was used for."""
