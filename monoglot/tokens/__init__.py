"""The token store: every corpus encoded once per tokenizer, then read through memory maps."""
