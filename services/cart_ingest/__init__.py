"""cart-ingest: MQTT in, PostgreSQL, MQTT out. `pipeline.py` tells what happens to each kind of delivery."""
