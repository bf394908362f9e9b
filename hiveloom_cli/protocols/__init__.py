"""The two wire formats, sans-I/O: values in, a request out; bytes in, events out."""
