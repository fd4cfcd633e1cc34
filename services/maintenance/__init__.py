"""The maintenance service: what keeps the site well unattended, as jobs on one schedule in lab time."""
