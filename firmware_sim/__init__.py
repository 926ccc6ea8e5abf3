"""Carts as devices, the shoppers who push them, and the bad radio between them and the broker.

Sees `shared.contracts` and the public REST contract only, never the domain or the database: what it says about
the backend is said from outside.
"""
