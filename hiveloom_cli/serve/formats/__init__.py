"""The formats that clients speak: their bytes in, what is asked out, and the answer back."""
