"""From str to the bytes that are segmented, normal forms, and pieces as people see them."""
