"""The web pages: /app/ for shoppers, /console/ for staff, the files they share at /shell/, and the plan they draw."""
