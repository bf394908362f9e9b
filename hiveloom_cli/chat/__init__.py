"""One turn of a conversation as a stream of events, and the history it leaves."""
