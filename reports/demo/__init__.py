"""What gives the demo city a past: invented reports, and pictures drawn to go with them."""
