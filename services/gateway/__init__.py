"""The REST gateway: everything the phone calls. It never speaks MQTT; what it changes, cart-ingest publishes."""
