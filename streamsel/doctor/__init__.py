"""``streamsel doctor``: looks at everything a deployment needs, judges it, and says how to mend it.

``looking`` gathers facts and judges nothing; ``judging`` makes findings of facts, and does no I/O.
"""
