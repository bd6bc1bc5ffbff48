"""The REST API: each file has the JSON and the views of one noun."""
