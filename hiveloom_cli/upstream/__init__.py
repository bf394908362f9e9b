"""Where a request goes, with which key, and the HTTP that takes it there."""
