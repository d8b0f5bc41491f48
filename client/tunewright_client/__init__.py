"""What a person holds: the command line, spec files, uploads; of AWS it knows signatures and S3."""
