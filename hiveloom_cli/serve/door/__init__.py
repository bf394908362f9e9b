"""Who may ask: what stands between the network and the routes."""
