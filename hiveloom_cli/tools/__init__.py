"""What agents may call: HTTP endpoints, commands, skills and the tools of MCP servers."""
