"""monoglot: small monolingual encoders out of multilingual ones, and what that cost."""
