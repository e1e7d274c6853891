"""What can be known of a file of resources without a cluster: bytes in, findings with line, column and fix out.

Used by the command line alone. Opens no file, knows no cluster and prints nothing; may import `domain` and `api`.
"""
