"""What the server publishes about itself: an OpenAPI 3.1 document, built from parts."""
