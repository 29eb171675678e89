"""A labelled file played as a stream: what a strategy would have made of it, against others and random."""
