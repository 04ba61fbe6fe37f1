"""Remote training: what is studied on platforms that are not the office's."""
