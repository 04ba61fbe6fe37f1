"""Who there is: the office, its units, teachers and postings, accounts and linking, roles."""
