"""What there is to check of an installation: each part tells what it finds, in words."""
