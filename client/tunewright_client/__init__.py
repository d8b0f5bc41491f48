"""What a person holds: the command line, spec files and their errors; it never touches AWS."""
