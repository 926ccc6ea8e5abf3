"""What the backend and the broker's configuration both know of Mosquitto: rights, and accounts while it runs."""
