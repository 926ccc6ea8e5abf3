"""amqtt as the broker of a development: unchanged, with our identities and rights as its plugins."""
