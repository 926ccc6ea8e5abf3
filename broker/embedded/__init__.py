"""The embedded broker: our own MQTT 3.1.1 broker for one machine, with the house policy built in."""
