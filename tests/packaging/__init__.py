"""What goes to Lambda: its lock files, its layers, its payloads."""
