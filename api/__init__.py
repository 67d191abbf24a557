"""People and permission: who may ask, and how the answer reaches them."""
