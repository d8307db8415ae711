"""What a user should know before starting, for ``--help``."""

EPILOG = ''
