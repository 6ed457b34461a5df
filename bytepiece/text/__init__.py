"""From a text to the bytes that are segmented (`preparation`); and pieces as people see them (`display`)."""
