"""Mosquitto as the broker of a store: its configuration, with rights printed from the access policy."""
