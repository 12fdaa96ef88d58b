"""The kinds of job, one a file."""
