"""The deterministic simulator: unmodified handlers on a fake AWS that counts for itself."""
