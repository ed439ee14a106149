"""What pages of ours are served with, whosever they are: a socket, and a shield around an app."""
