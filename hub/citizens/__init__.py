"""Citizens without an account: one-time codes, proven phones, unfinished forms, their own scans."""
