"""The web pages in a real headless Chromium, on the real stack. Without Chromium they are skipped, in one line."""
