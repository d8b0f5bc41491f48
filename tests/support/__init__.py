"""What several tests share: builders of values, and a world that stands in for AWS."""
