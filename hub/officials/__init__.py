"""Officials: who they are, what they may do, how they sign in, and the log of whom they looked up."""
