"""What a vendor's bill says, beside what was recorded."""
