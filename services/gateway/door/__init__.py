"""What every request passes on its way in and out, as plain ASGI middleware: limits, headers, log and metrics."""
