"""What an event, a query and a label cost as everything around them grows."""
