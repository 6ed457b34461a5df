"""From str to the bytes that are segmented: surrogates, normal forms, segments; and pieces as people see them."""
