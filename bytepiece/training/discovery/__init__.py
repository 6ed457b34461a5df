"""New-word discovery: an n-gram model of bytes cuts the corpus into candidate pieces."""
