"""What tests are written with: scripted upstreams, the real program, a real terminal."""
