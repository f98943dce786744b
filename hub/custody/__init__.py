"""What is kept, for how long, and how it goes and comes back: retention, holds, erasing, backups."""
