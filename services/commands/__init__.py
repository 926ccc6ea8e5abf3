"""Commands about the stack and the printed documents; those about the shop are in `services.operations`."""
