"""FastStream on aiokafka, in an environment of its own."""
