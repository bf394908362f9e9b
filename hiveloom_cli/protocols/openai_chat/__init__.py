"""OpenAI Chat Completions, as api.openai.com and every compatible server speak it."""
