"""What a configuration needs from elsewhere: found out, fetched, listed and checked."""
