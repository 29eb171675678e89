"""The HTTP API and the page to label by hand."""
