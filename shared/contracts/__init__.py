"""What crosses MQTT: the list of channels, their payloads, and how a payload is read strictly.

The AsyncAPI document is printed from here. Nothing here knows the domain, the database or a broker.
"""
