"""Endpoints by first path element; each about ten lines."""
