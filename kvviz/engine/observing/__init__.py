"""What a forward pass is seen to do."""
