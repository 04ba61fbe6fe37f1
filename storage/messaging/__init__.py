"""What comes in and what goes out: inbox, outbox, groups, deadlines, reminders."""
